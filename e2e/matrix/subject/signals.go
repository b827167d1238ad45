//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"example.com/matrix/control"
)

// endBlock waits for what is done to it.
func endBlock(c control.Control) int {
	c.Park() // #block
	return 0
}

// endSpin is killed in the middle of a loop.
func endSpin(c control.Control) int {
	tally := c.Tally() // #spin
	for i := 0; ; i++ {
		tally.Add(1) // #spin.loop
		if i == 1000 {
			c.Ready() // #spin.ready
		}
	}
}

// endRaise sends a signal to itself.
func endRaise(c control.Control) int {
	sig := number(c) // #raise
	syscall.Kill(os.Getpid(), sig)
	// Another thread may be the one to get it.
	syscall.Read(4, make([]byte, 1))
	return 0
}

// number is the signal of the command line.
func number(c control.Control) syscall.Signal {
	n, err := strconv.Atoi(c.Rest[0]) // #number
	control.Must(err)
	return syscall.Signal(n)
}

func endIgnore(c control.Control) int {
	signal.Ignore(number(c)) // #ignore
	c.Park()
	return 0
}

// endNotify shuts down in its own way.
func endNotify(c control.Control) int {
	got := make(chan os.Signal, 1) // #notify
	signal.Notify(got, number(c))
	c.Ready()
	fmt.Println("got", <-got)
	shutdown(c)
	return 5
}

//go:noinline
func shutdown(control.Control) {
	fmt.Println("shutting down") // #shutdown
}

func endNotifyContext(c control.Control) int {
	ctx, stop := signal.NotifyContext(context.Background(), number(c)) // #notify-context
	defer stop()
	c.Ready()
	<-ctx.Done()
	shutdown(c)
	return 0
}

// endSlowCleanup is signalled again while it cleans up, and goes on cleaning.
func endSlowCleanup(c control.Control) int {
	got := make(chan os.Signal, 2) // #slow-cleanup
	signal.Notify(got, number(c))
	c.Ready()
	<-got
	shutdown(c)
	c.Ready()
	<-got
	shutdown(c)
	return 0
}

// endInterrupted is signalled again while it cleans up, when it has given the
// signal its default action back: the second one ends it half way.
func endInterrupted(c control.Control) int {
	ctx, stop := signal.NotifyContext(context.Background(), number(c)) // #interrupted
	c.Ready()
	<-ctx.Done()
	stop()
	shutdown(c)
	c.Park()
	shutdown(c)
	return 0
}
