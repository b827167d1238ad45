//go:build cgo && matrixcgo

package main

/*
#include <stdlib.h>
static int segfault(void) { return *(volatile int *)8; }
*/
import "C"

import "example.com/matrix/control"

var _ = register(map[string]func(control.Control) int{
	"c-segfault": endCSegfault,
	"c-abort":    endCAbort,
	"c-exit":     endCExit,
})

// endCSegfault crashes where Go's runtime has no say.
//
//go:noinline
func endCSegfault(control.Control) int {
	return int(C.segfault()) // #c-segfault
}

//go:noinline
func endCAbort(control.Control) int {
	C.abort() // #c-abort
	return 0
}

// endCExit leaves by C's exit, which runs no exit hook of Go.
//
//go:noinline
func endCExit(control.Control) int {
	C.exit(3) // #c-exit
	return 0
}
