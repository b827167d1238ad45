// Package lib is what both programs have in common.
package lib

// Sum adds up the numbers below n.
func Sum(n int) int {
	s := 0
	for i := range n {
		s += i
	}
	return s
}

// Unused is never called.
func Unused() string {
	return "unused"
}
