// Package main_test has a test for each outcome that Bazel knows. Each starts
// workers, whose coverage must come back whatever happens.
package main_test

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// start starts a worker and returns when it has done its steps.
func start(t *testing.T, steps string) (*exec.Cmd, io.Closer) {
	t.Helper()
	cmd := exec.Command(filepath.Join(os.Getenv("TEST_SRCDIR"), os.Getenv("TEST_WORKSPACE"), os.Getenv("WORKER")), steps)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("the worker says %q, %v", line, err)
	}
	return cmd, in
}

// finish runs a worker to its end.
func finish(t *testing.T, steps string) {
	t.Helper()
	cmd, in := start(t, steps)
	in.Close()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
}

// once reports whether this is the first call with that name, over all
// attempts of all tests that share the state.
func once(t *testing.T, name string) bool {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(os.Getenv("CASES_STATE"), name), os.O_CREATE|os.O_EXCL, 0o666)
	if errors.Is(err, os.ErrExist) {
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	return true
}

func TestKilled(t *testing.T) {
	cmd, _ := start(t, "5")
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil || err.Error() != "signal: killed" {
		t.Fatalf("the worker ended with %v", err)
	}
}

func TestShardedOne(t *testing.T)   { finish(t, "1") }
func TestShardedTwo(t *testing.T)   { finish(t, "2") }
func TestShardedThree(t *testing.T) { finish(t, "3") }

// TestFlaky fails at the first attempt, after other steps than at the second.
func TestFlaky(t *testing.T) {
	if once(t, "flaky") {
		finish(t, "9")
		t.Fatal("the first attempt fails")
	}
	finish(t, "4")
}

func TestFailing(t *testing.T) {
	finish(t, "6")
	t.Fatal("it fails")
}

// TestSlow hangs, with a worker that hangs too.
func TestSlow(t *testing.T) {
	start(t, "7")
	hang(t)
}

// TestCrash hangs at the first attempt, when it has said so, and passes at the
// second: in between the machine that it runs on goes down.
func TestCrash(t *testing.T) {
	cmd, in := start(t, "8")
	if once(t, "crash") {
		// Opening a pipe blocks until the other side reads.
		pipe, err := os.OpenFile(filepath.Join(os.Getenv("CASES_STATE"), "crash.hangs"), os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		pipe.Close()
		hang(t)
	}
	in.Close()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
}

// hang never returns.
func hang(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	io.Copy(io.Discard, r)
}
