//go:build unix

package profdir

import (
	"os"
	"syscall"
)

// open opens a file for reading, but neither through a symbolic link nor
// waiting for the other end of a pipe.
func open(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
}
