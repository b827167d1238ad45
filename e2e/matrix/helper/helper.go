//go:build linux

// Package helper is what the tests of a covered test binary call: code under
// test. Its tests fail, panic and hang on purpose and are run by the matrix
// alone, one at a time.
package helper

import (
	"os"
	"os/exec"

	"example.com/matrix/control"
	"example.com/matrix/work"
)

// Work is code under test.
func Work() int {
	return work.Seven() // #helper.work
}

// Break panics.
func Break() {
	panic("the code under test is broken") // #helper.break
}

// Hang says that it is there, and hangs.
func Hang(c control.Control) {
	c.Park() // #helper.hang
}

// Process is what a test's own binary does as another process.
func Process() int {
	Work() // #helper.process
	return 3
}

// Start runs the test's own binary as another process and returns how it ended.
func Start(env string, args ...string) (string, error) {
	cmd := exec.Command(os.Args[0], args...) // #helper.start
	cmd.Env = append(os.Environ(), env)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	err := cmd.Run()
	return cmd.ProcessState.String(), err
}

// StartAndKill does the same for a process that hangs, and kills it when it
// says that it is there.
func StartAndKill(args ...string) (string, error) {
	cmd := exec.Command(os.Args[0], args...) // #helper.start-and-kill
	r, w, err := os.Pipe()
	control.Must(err)
	wait, _, err := os.Pipe() // the other end stays open as long as this process lives
	control.Must(err)
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = os.Stdout, os.Stderr, []*os.File{w, wait}
	control.Must(cmd.Start())
	control.Must(w.Close())
	_, err = r.Read(make([]byte, 1))
	control.Must(err)
	control.Must(cmd.Process.Kill())
	err = cmd.Wait()
	return cmd.ProcessState.String(), err
}
