// Package lib is what the tests of this package test.
package lib

// Double is covered by a test in package lib, Half by one in lib_test.
func Double(n int) int {
	return 2 * n
}

// Half is half of n.
func Half(n int) int {
	return n / 2
}
