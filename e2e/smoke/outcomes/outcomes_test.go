// Package outcomes_test has a test for each way in which a test can come out.
// Each of them has a program do some work, and kills it.
package outcomes_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
)

// child runs the program, and kills it when it has done its work.
func child(t *testing.T) {
	t.Helper()
	cancelled, cancel := context.WithCancel(context.Background())
	defer cancel()
	program := filepath.Join(os.Getenv("TEST_SRCDIR"), os.Getenv("TEST_WORKSPACE"), os.Getenv("ENDINGS"))
	cmd := exec.CommandContext(cancelled, program, "signal")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	for line := ""; line != "ready\n"; {
		if line, err = lines.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	if cmd.Wait(); cmd.ProcessState.String() != "signal: killed" {
		t.Fatal(cmd.ProcessState)
	}
}

// hang never returns. The pipe keeps Go from finding that all goroutines sleep.
func hang(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	io.Copy(io.Discard, r)
}

func TestFails(t *testing.T) {
	child(t)
	t.Fatal("as it should")
}

func TestPanics(t *testing.T) {
	child(t)
	panic("as it should")
}

func TestKilled(t *testing.T) {
	child(t)
	syscall.Kill(os.Getpid(), syscall.SIGKILL)
	hang(t)
}

// TestFlaky fails unless it has run before; SMOKE_STATE names the folder that
// remembers.
func TestFlaky(t *testing.T) {
	child(t)
	file, err := os.OpenFile(filepath.Join(os.Getenv("SMOKE_STATE"), "outcomes"), os.O_CREATE|os.O_EXCL, 0o666)
	if errors.Is(err, fs.ErrExist) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	file.Close()
	t.Fatal("the first time")
}

func TestParallel(t *testing.T) {
	for range 4 {
		t.Run("child", func(t *testing.T) {
			t.Parallel()
			child(t)
		})
	}
}

func TestHangs(t *testing.T) {
	child(t)
	hang(t)
}

// TestDeaf hangs, and does not heed SIGTERM.
func TestDeaf(t *testing.T) {
	signal.Ignore(syscall.SIGTERM)
	child(t)
	hang(t)
}
