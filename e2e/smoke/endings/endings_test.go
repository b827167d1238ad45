// Package main_test ends programs, and writes down what each of them said and
// how it ended.
package main_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
)

// child is a running program.
type child struct {
	cmd            *exec.Cmd
	in             io.WriteCloser
	out            *bufio.Reader
	stdout, stderr bytes.Buffer
}

// start runs the program until it says that it is ready.
func start(t *testing.T, way string) *child {
	t.Helper()
	program := filepath.Join(os.Getenv("TEST_SRCDIR"), os.Getenv("TEST_WORKSPACE"), os.Getenv("ENDINGS"))
	c := &child{cmd: exec.Command(program, way)}
	c.cmd.Args[0] = "endings"
	var err error
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.cmd.Stderr = &c.stderr
	c.out = bufio.NewReader(io.TeeReader(out, &c.stdout))
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for line := ""; line != "ready\n"; {
		if line, err = c.out.ReadString('\n'); err != nil {
			c.cmd.Wait()
			t.Fatalf("%s: %v; stdout %q, stderr %q", way, err, c.stdout.String(), c.stderr.String())
		}
	}
	return c
}

// finish lets the program end, after a signal if one is given, and returns what
// there is to tell about it.
func (c *child) finish(t *testing.T, signal syscall.Signal) string {
	t.Helper()
	if signal != 0 {
		if err := c.cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
	} else {
		c.in.Close()
	}
	if _, err := io.Copy(io.Discard, c.out); err != nil {
		t.Fatal(err)
	}
	c.cmd.Wait()
	c.in.Close()
	return fmt.Sprintf("%s\n--- stdout\n%s--- stderr\n%s", c.cmd.ProcessState, &c.stdout, &c.stderr)
}

// record keeps a child's story for whoever compares.
func record(t *testing.T, story string) {
	t.Helper()
	file := filepath.Join(os.Getenv("TEST_UNDECLARED_OUTPUTS_DIR"), t.Name()+".child")
	if err := os.WriteFile(file, []byte(story), 0o666); err != nil {
		t.Fatal(err)
	}
}

func TestReturn(t *testing.T) { record(t, start(t, "return").finish(t, 0)) }

func TestExit(t *testing.T) { record(t, start(t, "exit").finish(t, 0)) }

func TestPanic(t *testing.T) { record(t, start(t, "panic").finish(t, 0)) }

func TestSIGTERM(t *testing.T) { record(t, start(t, "signal").finish(t, syscall.SIGTERM)) }

func TestSIGKILL(t *testing.T) { record(t, start(t, "signal").finish(t, syscall.SIGKILL)) }

func TestReexec(t *testing.T) { record(t, start(t, "reexec").finish(t, 0)) }

// TestFifty has 50 programs ready at once before it ends them, in turn by
// themselves and by SIGKILL.
func TestFifty(t *testing.T) {
	var children [50]*child
	for i := range children {
		children[i] = start(t, "signal")
	}
	var stories [50]string
	var all sync.WaitGroup
	for i, c := range children {
		all.Add(1)
		go func() {
			defer all.Done()
			stories[i] = c.finish(t, []syscall.Signal{0, syscall.SIGKILL}[i%2])
		}()
	}
	all.Wait()
	var story bytes.Buffer
	for _, s := range stories {
		story.WriteString(s)
	}
	record(t, story.String())
}
