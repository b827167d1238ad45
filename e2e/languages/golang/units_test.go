package units

import "testing"

func TestFeet(t *testing.T) {
	if got, err := Feet(3.048); err != nil || got < 9.999 || got > 10.001 {
		t.Errorf("got %v, %v", got, err)
	}
}
