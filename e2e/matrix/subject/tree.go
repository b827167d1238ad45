//go:build linux

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"

	"example.com/matrix/control"
	"example.com/matrix/work"
)

// What package control uses, to be handed on. They live as long as the process:
// a *os.File that is collected closes its descriptor.
var (
	ready = os.NewFile(3, "ready")
	wait  = os.NewFile(4, "wait")
)

// command is a child of this same program, with this process's own output.
func command(ctx context.Context, c control.Control, args ...string) *exec.Cmd {
	self, err := os.Executable() // #command
	control.Must(err)
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.ExtraFiles = []*os.File{ready, wait}
	return cmd
}

// endParent starts a child and tells how it ended.
func endParent(c control.Control) int {
	err := command(context.Background(), c, c.Rest...).Run() // #parent
	fmt.Println("the child:", err)
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		return 6 // #parent.failed
	}
	return 0 // #parent.succeeded
}

// endDaemon is the first half of making a daemon: a child in a session of its own.
func endDaemon(c control.Control) int {
	child := command(context.Background(), c, append([]string{"orphan", c.Dir}, c.Rest...)...) // #daemon
	child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	control.Must(child.Start())
	return 0
}

// endOrphan is the second half: a child that does not lead the session, and whose
// parent does not wait.
func endOrphan(c control.Control) int {
	control.Must(command(context.Background(), c, c.Rest...).Start()) // #orphan
	return 0
}

// endCancel starts a child and, when the child says that it is there, cancels it.
func endCancel(c control.Control) int {
	ctx, cancel := context.WithCancel(context.Background()) // #cancel
	child := command(ctx, c, c.Rest...)
	r, w, err := os.Pipe()
	control.Must(err)
	child.ExtraFiles[0] = w
	control.Must(child.Start())
	w.Close()
	r.Read(make([]byte, 1))
	cancel()
	fmt.Println("the child:", child.Wait())
	return 0
}

// endVersion calls what differs between the two versions of this program.
func endVersion(c control.Control) int {
	fmt.Println("version", version()) // #version
	c.Park()
	return 0
}

// endPool gives jobs to workers: Rest is how many workers, how many jobs each,
// and what becomes of them: "join", or "terminate" in the middle of one more job.
func endPool(c control.Control) int {
	workers, err := strconv.Atoi(c.Rest[0]) // #pool
	control.Must(err)
	jobs, err := strconv.Atoi(c.Rest[1])
	control.Must(err)
	pool := make([]*member, workers)
	for i := range pool {
		pool[i] = hire(c) // #pool.hire
	}
	for i := 0; i < workers*jobs; i++ { // #pool.jobs
		pool[i%workers].do("job") // #pool.job
	}
	status := 0 // #pool.done
	if c.Rest[2] == "terminate" {
		status = terminate(pool) // #pool.terminate
	}
	for _, m := range pool { // #pool.rest
		m.jobs.Close() // #pool.close
		m.cmd.Wait()
		fmt.Println("a worker:", m.cmd.ProcessState)
	}
	return status // #pool.return
}

// member is a worker process as the pool sees it.
type member struct {
	cmd  *exec.Cmd
	jobs io.WriteCloser
	done *bufio.Scanner
}

func hire(c control.Control) *member {
	cmd := command(context.Background(), c, "worker", c.Dir) // #hire
	jobs, err := cmd.StdinPipe()
	control.Must(err)
	cmd.Stdout = nil
	done, err := cmd.StdoutPipe()
	control.Must(err)
	control.Must(cmd.Start())
	m := &member{cmd, jobs, bufio.NewScanner(done)}
	m.done.Scan() // the worker's greeting
	return m
}

// do has the worker do a job and returns when it says that it has, or, of a job
// that has no end, that it has begun.
func (m *member) do(job string) {
	fmt.Fprintln(m.jobs, job) // #do
	m.done.Scan()
}

// terminate ends all workers while they are in the middle of a job.
func terminate(pool []*member) int {
	for _, m := range pool { // #terminate
		m.do("endless") // #terminate.begin
	}
	for _, m := range pool { // #terminate.all
		control.Must(m.cmd.Process.Signal(syscall.SIGTERM)) // #terminate.signal
	}
	return 7 // #terminate.return
}

// endWorker does what it reads on its standard input, line by line.
func endWorker(c control.Control) int {
	in := bufio.NewScanner(os.Stdin) // #worker
	for in.Scan() {
		work.Seven() // #worker.job
		if in.Text() == "endless" {
			fmt.Println("begun") // #worker.endless
			syscall.Read(4, make([]byte, 1))
		}
		fmt.Println("done") // #worker.done
	}
	return 0 // #worker.return
}
