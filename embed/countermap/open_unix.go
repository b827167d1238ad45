//go:build unix

package countermap

import "syscall"

// The profile directory can be written by every process of a test. A symbolic
// link in the place of a map could lead the reader to any file, and a FIFO
// could stop it for ever.
const openFlags = syscall.O_NOFOLLOW | syscall.O_NONBLOCK
