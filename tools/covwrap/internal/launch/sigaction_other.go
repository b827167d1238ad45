//go:build unix && !linux

package launch

import (
	"os/signal"
	"syscall"
)

// setDefault gives a signal its default action, as far as Go's runtime allows.
func setDefault(s syscall.Signal) { signal.Reset(s) }
