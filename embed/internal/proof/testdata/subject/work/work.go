// Package work has one function, which a test can find without reading the
// meta-data: it is function 0 of the first covered package.
package work

// Do has the blocks entry, return, loop body.
func Do(n int) (sum int) {
	for i := 0; i < n; i++ {
		sum += i
	}
	return sum
}
