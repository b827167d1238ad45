//go:build unix

package account

import (
	"slices"
	"strings"

	"github.com/covwrap/covwrap/tools/covwrap/internal/ledger"
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

// seenAfter reports whether the process of a child ran another program by the time
// that it was first seen: it has replaced itself by exec. The name of an executable
// alone tells little, since it depends on whose root folder one looks from.
func seenAfter(c *ledger.Child, image *proctree.Process) bool {
	return image.Exe != "" && strings.TrimSuffix(image.Exe, " (deleted)") != c.Exe &&
		len(image.Argv) > 0 && !slices.Equal(image.Argv, c.Argv) &&
		!c.Start.IsZero() && image.Seen.After(c.Start)
}
