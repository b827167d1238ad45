// Package signals runs a function when a signal arrives and then lets the signal
// do what it would have done.
package signals

import (
	"os"
	"os/signal"
	"sync"
	"syscall"
	_ "unsafe" // for linkname
)

var (
	mu      sync.Mutex // held while a signal is dealt with: others wait, none is lost
	watched = map[syscall.Signal]bool{}
)

// On runs flush for each signal of the list that arrives from now on, and then:
// a channel that the program has given to signal.Notify gets the signal as it
// always does, once; without one, the signal has its default effect, which for
// most is the end of the process by that signal. A signal that is ignored
// stays ignored. A signal that arrives while flush runs is dealt with after
// it. On may be called at any time, by several goroutines, and any number of
// times; values that are no syscall.Signal, or that nobody can catch, are left
// out.
func On(flush func(), list []os.Signal) {
	mu.Lock()
	defer mu.Unlock()
	for _, s := range list {
		sig, ok := s.(syscall.Signal)
		if !ok || watched[sig] || !catchable(sig) || signal.Ignored(sig) {
			continue
		}
		watched[sig] = true
		go watch(flush, sig, notify(sig))
	}
}

func notify(sig syscall.Signal) chan os.Signal {
	// Room for one is enough: signals of one kind that come at once are one
	// signal for Unix, too.
	c := make(chan os.Signal, 1)
	signal.Notify(c, sig)
	return c
}

func watch(flush func(), sig syscall.Signal, c chan os.Signal) {
	for {
		<-c
		mu.Lock()
		flush()
		signal.Stop(c)
		if !handled(sig) {
			// Nobody else is interested: the default action, which may end the
			// process, stop it, or do nothing at all.
			raise(sig)
		}
		// A signal that came in the meantime was the program's own, or had the
		// default effect.
		c = notify(sig)
		mu.Unlock()
	}
}

// handled reports whether the program has a channel of its own for the signal.
// Package signal does not tell, but it behaves differently: it enables a signal
// in the runtime only for the first channel. So the signal is marked as ignored
// in the runtime alone, and if a new channel leaves that mark, there is another.
// It is really ignored meanwhile, for some microseconds.
func handled(sig syscall.Signal) bool {
	ignore(uint32(sig))
	c := make(chan os.Signal, 1)
	signal.Notify(c, sig)
	others := signal.Ignored(sig)
	if others {
		enable(uint32(sig)) // as it was
	}
	signal.Stop(c)
	return others
}

// ignore and enable are defined by package runtime under these names, for
// package os/signal.
//
//go:linkname ignore os/signal.signal_ignore
func ignore(sig uint32)

//go:linkname enable os/signal.signal_enable
func enable(sig uint32)
