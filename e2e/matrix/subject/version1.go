//go:build !version2

package main

//go:noinline
func version() int {
	return 1 // #version.1
}
