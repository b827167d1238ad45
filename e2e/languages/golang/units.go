// Package units converts lengths.
package units

import "fmt"

// Feet converts metres to feet.
func Feet(metres float64) (float64, error) {
	if metres < 0 {
		return 0, fmt.Errorf("%g is no length", metres)
	}
	return metres / 0.3048, nil
}

// Miles converts metres to miles.
func Miles(metres float64) float64 {
	return metres / 1609.344
}
