//go:build windows

// Command subject ends in many ways. Its blocks bear names, "// #name", by which
// the tests know them.
package main

import (
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/windows"

	"github.com/covwrap/covwrap/embed"

	"example.com/windows/console"
)

func main() {
	log.SetFlags(0) // #main
	os.Exit(end(os.Args[1], os.Args[2:]))
}

// end is all ways to end.
func end(way string, args []string) int {
	work() // #end
	switch way {
	case "return":
		return 0 // #return
	case "exit":
		n, _ := strconv.ParseUint(args[0], 0, 32) // #exit
		os.Exit(int(n))
	case "fatal":
		log.Fatal("fatal words") // #fatal
	case "panic":
		panic("panic words") // #panic
	case "panic-deferred":
		defer embed.Cleanup() // #deferred
		panic("panic words")
	case "copy":
		io.Copy(os.Stdout, os.Stdin) // #copy
	case "wait":
		park() // #wait
	case "cleanup":
		embed.CleanupOnSignal(os.Interrupt) // #cleanup
		park()
	case "stay":
		embed.CleanupOnSignal(os.Interrupt) // #stay
		fmt.Println("ready")
		time.Sleep(time.Hour)
	case "notify":
		return shutdown() // #notify
	case "cleanup-notify":
		embed.CleanupOnSignal(os.Interrupt) // #both
		return shutdown()
	case "ignore":
		signal.Ignore(os.Interrupt) // #ignore
		embed.CleanupOnSignal(os.Interrupt)
		park()
	case "flushed":
		embed.Cleanup() // #flushed
		embed.Cleanup()
		after()
		park()
	case "flushed-return":
		embed.Cleanup() // #flushed-return
		after()
	case "parent":
		return parent(args) // #parent
	case "pool":
		pool() // #pool
	}
	return 0 // #fall
}

// work runs its loop ten times.
func work() {
	n := 0 // #work
	for i := range 10 {
		n += i // #loop
	}
}

//go:noinline
func after() {
	work() // #after
}

// park says that it is ready and waits until its standard input ends.
func park() {
	fmt.Println("ready") // #park
	io.Copy(io.Discard, os.Stdin)
}

// shutdown is a handler of the program's own.
func shutdown() int {
	got := make(chan os.Signal, 1) // #shutdown
	signal.Notify(got, os.Interrupt)
	fmt.Println("ready")
	fmt.Println("got", <-got)
	return 5
}

// process is a child.
type process struct {
	*exec.Cmd
	stdout io.Reader
}

// child starts this program and waits until it is ready.
func child(flags uint32, way string) (*process, io.Closer) {
	cmd := exec.Command(os.Args[0], way) // #child
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: flags}
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	must(err)
	stdout, err := cmd.StdoutPipe()
	must(err)
	must(cmd.Start())
	ready := make([]byte, len("ready\n"))
	_, err = io.ReadFull(stdout, ready)
	must(err)
	return &process{cmd, stdout}, stdin
}

// parent starts a child (args[1] says how it ends) and does args[0] to it.
func parent(args []string) int {
	switch args[0] { // #act
	case "break":
		cmd, _ := child(windows.CREATE_NEW_PROCESS_GROUP, args[1]) // #break
		must(console.Break(cmd.Process.Pid))
		return code(cmd)
	case "interrupt":
		signal.Notify(make(chan os.Signal, 1), os.Interrupt) // #interrupt
		cmd, _ := child(0, args[1])
		must(console.Interrupt())
		return code(cmd)
	case "terminate":
		cmd, _ := child(0, args[1]) // #terminate
		must(cmd.Process.Kill())
		return code(cmd)
	case "close":
		cmd, stdin := child(0, args[1]) // #close
		must(stdin.Close())
		return code(cmd)
	case "leave":
		left, _ := child(0, args[1]) // #leave
		fmt.Println("left", left.Process.Pid)
	case "leave-group":
		left, _ := child(windows.CREATE_NEW_PROCESS_GROUP, args[1]) // #leave-group
		fmt.Println("left", left.Process.Pid)
	case "break-away":
		cmd, stdin := child(windows.CREATE_BREAKAWAY_FROM_JOB, args[1]) // #break-away
		must(stdin.Close())
		return code(cmd)
	}
	return 0 // #done
}

// code waits for a child, and prints what it has to say and its status.
func code(cmd *process) int {
	io.Copy(os.Stdout, cmd.stdout) // #code
	cmd.Wait()
	fmt.Printf("child: %s\n", cmd.ProcessState)
	return 0
}

// pool runs twenty children, five at once.
func pool() {
	var wg sync.WaitGroup // #begin
	names := make(chan string)
	for range 5 {
		wg.Add(1) // #worker
		go func() {
			defer wg.Done() // #works
			for name := range names {
				must(exec.Command(os.Args[0], strings.Fields(name)...).Run()) // #task
			}
		}()
	}
	tasks := 20 // #feed
	for range tasks {
		names <- "exit 0" // #send
	}
	close(names) // #wait-all
	wg.Wait()
}

func must(err error) {
	failed := err != nil // #must
	if failed {
		log.Fatal(err) // #must-not
	}
}
