package cli

import (
	"os"

	"golang.org/x/sys/unix"
)

// terminalRows returns the height of a terminal; ok is false for anything else.
func terminalRows(f *os.File) (rows int, ok bool) {
	size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0, false
	}
	if size.Row == 0 {
		return 24, true
	}
	return int(size.Row), true
}
