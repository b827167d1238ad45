//go:build unix

package account

import (
	"strings"

	"github.com/covwrap/covwrap/tools/covwrap/internal/proctree"
)

// killed reports whether a process ended in a way in which the launcher ends
// processes.
func killed(e *proctree.End) bool { return e.Signal != 0 }

// forkWindow reports whether an image is a copy of its parent that was seen
// between fork and exec: then what the process really ran is not known.
func forkWindow(i *proctree.Process, parent *process) bool {
	if parent == nil {
		return false
	}
	for _, p := range parent.images {
		if p.Exe == i.Exe && strings.Join(p.Argv, "\x00") == strings.Join(i.Argv, "\x00") {
			return true
		}
	}
	return false
}
