// Command handler is the subject with signal handlers and package embed:
//
//	handler WAY N
package main

import (
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"sync"
	"syscall"

	"example.com/subject/work"
	"github.com/covwrap/covwrap/embed"
)

func main() {
	n, err := strconv.Atoi(os.Args[2])
	if err != nil {
		panic(err)
	}
	c := make(chan os.Signal, 1)
	switch os.Args[1] {
	case "default": // SIGTERM ends the process
		embed.CleanupOnSIGTERM()
		work.Do(n)
		kill(syscall.SIGTERM)
		wait()
	case "others": // as do these
		embed.CleanupOnSignal(syscall.SIGHUP, syscall.SIGINT, syscall.SIGKILL, nil, other{})
		work.Do(n)
		kill(syscall.SIGHUP)
		wait()
	case "many-times":
		var wg sync.WaitGroup
		for range 20 {
			wg.Add(1)
			go func() {
				defer wg.Done()
				embed.CleanupOnSIGTERM()
				embed.Cleanup()
			}()
		}
		wg.Wait()
		work.Do(n)
		kill(syscall.SIGTERM)
		wait()
	case "own-before":
		signal.Notify(c, syscall.SIGTERM, syscall.SIGUSR1)
		embed.CleanupOnSIGTERM()
		work.Do(n)
		receive(c)
	case "own-after":
		embed.CleanupOnSIGTERM()
		signal.Notify(c, syscall.SIGTERM, syscall.SIGUSR1)
		work.Do(n)
		receive(c)
	case "own-stopped": // the program's own handler is gone: the default again
		signal.Notify(c, syscall.SIGTERM)
		embed.CleanupOnSIGTERM()
		work.Do(n)
		signal.Stop(c)
		kill(syscall.SIGTERM)
		wait()
	case "ignored":
		signal.Ignore(syscall.SIGTERM)
		embed.CleanupOnSIGTERM()
		work.Do(n)
		kill(syscall.SIGTERM)
		fmt.Println("alive")
	case "ignored-later":
		embed.CleanupOnSIGTERM()
		signal.Ignore(syscall.SIGTERM)
		work.Do(n)
		kill(syscall.SIGTERM)
		fmt.Println("alive")
	case "nohup": // the parent has SIGHUP ignored
		embed.CleanupOnSignal(syscall.SIGHUP)
		work.Do(n)
		kill(syscall.SIGHUP)
		fmt.Println("alive")
	case "cleanup": // written out more than once, counted once
		embed.Cleanup()
		work.Do(n)
		embed.Cleanup()
		embed.Cleanup()
		work.Do(n)
		os.Exit(5)
	case "reload": // replaces itself
		work.Do(n)
		if n > 1 {
			embed.Cleanup()
			syscall.Exec(os.Args[0], []string{os.Args[0], "reload", strconv.Itoa(n - 1)}, os.Environ())
		}
		embed.Cleanup()
		raw() // an end that Go does not see
	}
	fmt.Println("end", runtime.NumGoroutine() < 10)
}

// receive sends SIGTERM and prints what arrives up to SIGUSR1, which nobody else
// watches.
func receive(c chan os.Signal) {
	kill(syscall.SIGTERM)
	fmt.Println(<-c)
	kill(syscall.SIGUSR1)
	for s := range c {
		fmt.Println(s)
		if s == syscall.SIGUSR1 {
			embed.Cleanup() // waits for the one that SIGTERM has begun
			return
		}
	}
}

func kill(s syscall.Signal) { syscall.Kill(os.Getpid(), s) }

func raw() { syscall.RawSyscall(syscall.SYS_EXIT_GROUP, 6, 0, 0) }

func wait() {
	for {
		syscall.Pause()
	}
}

type other struct{}

func (other) Signal()        {}
func (other) String() string { return "other" }
