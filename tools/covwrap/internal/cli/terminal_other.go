//go:build !linux

package cli

import "os"

// terminalRows takes nothing for a terminal: there are no maps to watch here.
func terminalRows(f *os.File) (rows int, ok bool) { return 0, false }
