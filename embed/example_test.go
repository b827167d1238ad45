//go:build unix

package embed_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/covwrap/covwrap/embed"
)

// On Linux none of these calls is needed: a covered process keeps its counters
// in a file from the start. They make the same program lose nothing on macOS
// and Windows.

func ExampleCleanup() {
	// The counters are written out here; what follows needs no clean exit.
	embed.Cleanup()
	fmt.Println("written")
	// Output: written
}

func ExampleCleanupOnSIGTERM() {
	// Once, early in main. Whoever ends the process by SIGTERM, as test
	// harnesses and supervisors do, ends it as before: it dies of the signal.
	embed.CleanupOnSIGTERM()
	fmt.Println("serving")
	// Output: serving
}

func ExampleCleanupOnSignal() {
	embed.CleanupOnSignal(os.Interrupt, syscall.SIGTERM)
	fmt.Println("serving")
	// Output: serving
}

// A program with a handler of its own: both are called, in either order of
// registration.
func ExampleCleanupOnSignal_ownHandler() {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt)
	defer signal.Stop(stop)
	embed.CleanupOnSignal(os.Interrupt)

	interrupt(os.Getpid())
	fmt.Println("got", <-stop, "and shut down in order")
	// Output: got interrupt and shut down in order
}

// A handler of its own that ends the process in a way that Go code does not see
// writes the counters first.
func ExampleCleanup_ownHandler() {
	shutdown := func() {
		embed.Cleanup()
		// syscall.Exit(0), a call into C that exits, ...
		fmt.Println("down")
	}
	shutdown()
	// Output: down
}

// A program that replaces itself to read its configuration again.
func ExampleCleanup_reloadByExec() {
	reload := func() error {
		embed.Cleanup() // the one line; on Linux, not even that
		return replace(os.Args[0], os.Args, os.Environ())
	}
	if err := reload(); err != nil {
		fmt.Println(err)
	}
	// Output: (this example does not replace the test)
}

// What the processes of a test count between two marks is reported by itself,
// too (covwrap run --phases). Without covwrap nothing happens.
func ExampleMark() {
	for _, phase := range []string{"import", "serve"} {
		if err := embed.Mark(phase); err != nil {
			fmt.Println(err)
		}
		fmt.Println(phase)
	}
	// Output:
	// import
	// serve
}

// A pool of workers that end by themselves when their input ends: nothing is to
// be done, in the workers neither.
func Example_poolClosedAndJoined() {
	pool := startPool(3)
	for _, w := range pool {
		fmt.Fprintln(w.in, "job")
		fmt.Println(w.read())
	}
	for _, w := range pool { // closed ...
		w.in.Close()
	}
	for _, w := range pool { // ... and joined
		fmt.Println(w.Wait())
	}
	// Output:
	// done
	// done
	// done
	// <nil>
	// <nil>
	// <nil>
}

// A pool that is terminated in the middle of its work. The workers call
// embed.CleanupOnSIGTERM, and die of the signal all the same.
func Example_poolTerminated() {
	pool := startPool(3)
	for _, w := range pool {
		fmt.Fprintln(w.in, "job")
		fmt.Println(w.read())
	}
	for _, w := range pool {
		terminate(w.Process)
	}
	for _, w := range pool {
		fmt.Println(w.Wait())
	}
	// Output:
	// done
	// done
	// done
	// signal: terminated
	// signal: terminated
	// signal: terminated
}

// A single process that is waited for.
func Example_processJoined() {
	w := startPool(1)[0]
	w.in.Close()
	fmt.Println(w.Wait())
	// Output: <nil>
}

// On Windows, what can be sent to other processes is CTRL_BREAK, to a whole
// process group. Start the child in a group of its own (SysProcAttr with
// CREATE_NEW_PROCESS_GROUP), send it GenerateConsoleCtrlEvent(CTRL_BREAK_EVENT,
// pid), and let it have this line. Process.Kill (TerminateProcess) cannot be
// caught: only counters that Cleanup has written before remain.
func ExampleCleanupOnSignal_windows() {
	embed.CleanupOnSignal(os.Interrupt) // CTRL_C and CTRL_BREAK
	fmt.Println("serving")
	// Output: serving
}

// worker is a child process: this test binary, as worker.
type worker struct {
	*exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

func (w worker) read() string {
	w.out.Scan()
	return w.out.Text()
}

func startPool(n int) (pool []worker) {
	for range n {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "EMBED_EXAMPLE=worker", "TEST_TIMEOUT=") // with a time-out the test main of rules_go handles SIGTERM
		in, err := cmd.StdinPipe()
		if err != nil {
			panic(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			panic(err)
		}
		if err := cmd.Start(); err != nil {
			panic(err)
		}
		pool = append(pool, worker{cmd, in, bufio.NewScanner(out)})
	}
	return pool
}

// work is the whole program of a worker.
func work() {
	embed.CleanupOnSIGTERM()
	for jobs := bufio.NewScanner(os.Stdin); jobs.Scan(); {
		fmt.Println("done")
	}
}
