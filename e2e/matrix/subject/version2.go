//go:build version2

package main

// version of the second version has more lines than that of the first.
//
//go:noinline
func version() int {
	v := 1 // #version.2
	if v == 1 {
		v++ // #version.2.more
	}
	return v // #version.2.return
}
