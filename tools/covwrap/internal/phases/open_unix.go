//go:build unix

package phases

import (
	"os"
	"syscall"
)

// open opens a file that any process may have put there: not through a
// symbolic link, and without waiting for the other end of a pipe.
func open(file string) (*os.File, error) {
	return os.OpenFile(file, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
}
