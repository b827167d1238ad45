package main

// int three(void) { return 3; }
import "C"

func init() {
	if C.three() != 3 {
		panic("cgo")
	}
}
