package auto

import (
	"os"

	"github.com/covwrap/covwrap/embed/internal/flush"
	"github.com/covwrap/covwrap/embed/internal/hook"
	"github.com/covwrap/covwrap/embed/internal/rt"
	"github.com/covwrap/covwrap/embed/internal/signals"
)

// fallback gives package embed something to do in a process whose counters do
// not all reach their file by themselves. Nothing happens unless the program
// calls package embed.
func fallback() {
	write := rt.Flush // some counters are not in the map
	switch {
	case rt.Whole() || rt.NoFiles() || rt.Counters() == nil:
		return
	case !rt.Mapped():
		dir := os.Getenv(rt.DirVariable)
		if dir == "" {
			return
		}
		// An error has nowhere to go: the program must not be told.
		write = func() { _ = flush.To(dir) }
	}
	hook.Cleanup = write
	hook.OnSignal = func(list []os.Signal) { signals.On(write, list) }
}
