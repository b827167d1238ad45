package account

import (
	"github.com/covwrap/covwrap/tools/covwrap/internal/launch"
	"github.com/covwrap/covwrap/tools/covwrap/internal/ledger"
	"github.com/covwrap/covwrap/tools/covwrap/internal/proctree"
)

// killed reports whether a process ended in a way in which the launcher ends
// processes.
func killed(e *proctree.End) bool { return e.Code == launch.KilledStatus }

// forkWindow reports false: no process begins as a copy of its parent here.
func forkWindow(i *proctree.Process, parent *process) bool { return false }

// seenAfter is about exec, which Windows does not have.
func seenAfter(*ledger.Child, *proctree.Process) bool { return false }
