// Package rt is the part of covwrap that lives in covered programs: it moves
// the program's coverage counters into a file, the counter map, which the
// kernel keeps up to date whatever becomes of the process.
//
// # How
//
// A binary built for coverage keeps all of its counters in one contiguous
// piece of memory. Start maps a file over exactly that piece (MAP_SHARED and
// MAP_FIXED). From then on an increment of a counter is a store into the page
// cache; there is nothing left to do when the process ends, and so nothing
// that a SIGKILL could prevent.
//
// The pages at the edges of the piece are shared with other variables. The one
// before it is filled by pad, which is larger than any other variable and
// therefore sorted directly before the counters by the linker; the one after
// it is the end of the program's data. Neither is taken on faith: Start checks
// the addresses and, where they do not fit, maps the inner pages only and
// leaves the counters at the edges to Flush.
//
// # Rules
//
// The code runs inside somebody else's program, before nearly all of it. It
// must not be seen: no goroutine, no signal handler, no open file, no
// environment variable, no output; and no failure of it may become a failure
// of the program. Where a map is impossible the program runs as if the
// package were not there, and a note in the profile directory says why.
//
// The package imports syscall and little else, so that it is initialised
// before os, and so before nearly every covered package. For the same reason,
// and because its source files are also added to the standard library (see
// package overlay), it has no dependency inside this module.
package rt
