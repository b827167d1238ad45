//go:build unix

// Package main_test ends the pool and its workers in all the ways that happen to
// such a pool.
package main_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/covwrap/covwrap/examples/internal/program"
)

func TestMain(m *testing.M) { program.Main(m) }

const importPath = "github.com/covwrap/covwrap/examples/wordcount"

// text makes a file.
func text(t *testing.T, content string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(name, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
	return name
}

// run runs wordcount to its end.
func run(t *testing.T, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	cmd := exec.Command(program.Path(t, "WORDCOUNT", importPath), args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if _, ended := err.(*exec.ExitError); err != nil && !ended {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

func TestPoolClosedAndJoined(t *testing.T) {
	args := []string{"-workers=3", "-top=3"}
	for range 20 {
		args = append(args, text(t, "To be, or not to be:\nthat's the question.\n"))
	}
	stdout, stderr, status := run(t, args...)
	if want := "     40 be\n     40 to\n     20 not\n"; stdout != want || stderr != "" || status != 0 {
		t.Errorf("%q, %q, exit status %d; want %q", stdout, stderr, status, want)
	}
}

func TestMissingFile(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	stdout, stderr, status := run(t, missing)
	if want := "wordcount: open " + missing + ": no such file or directory\n"; stdout != "" || stderr != want || status != 1 {
		t.Errorf("%q, %q, exit status %d; want %q and 1", stdout, stderr, status, want)
	}
}

func TestUsage(t *testing.T) {
	if stdout, stderr, status := run(t); stdout != "" || !strings.HasPrefix(stderr, "Usage of ") || status != 2 {
		t.Errorf("%q, %q, exit status %d; want the usage and 2", stdout, stderr, status)
	}
}

// counting is a wordcount with one worker, held in the middle of one file: a
// named pipe, which the test writes.
type counting struct {
	t      *testing.T
	cmd    *exec.Cmd
	stdout bytes.Buffer
	stderr *bufio.Reader
	fifo   string
}

func startCounting(t *testing.T) *counting {
	t.Helper()
	c := &counting{t: t, fifo: filepath.Join(t.TempDir(), "fifo")}
	if err := syscall.Mkfifo(c.fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	c.cmd = exec.Command(program.Path(t, "WORDCOUNT", importPath), "-v", "-workers=1", c.fifo)
	c.cmd.Stdout = &c.stdout
	stderr, err := c.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.stderr = bufio.NewReader(stderr)
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.cmd.Process.Kill() })
	return c
}

// said reads a line of stderr, which has to match, and returns the first group.
func (c *counting) said(pattern string) string {
	c.t.Helper()
	line, err := c.stderr.ReadString('\n')
	match := regexp.MustCompile("^" + pattern + "\n$").FindStringSubmatch(line)
	if match == nil {
		c.t.Fatalf("stderr said %q (%v), want %s", line, err, pattern)
	}
	return match[1]
}

// worker waits until a worker is reading the pipe; returns its pid and the pipe.
func (c *counting) worker() (pid int, pipe *os.File) {
	c.t.Helper()
	pid, err := strconv.Atoi(c.said(`worker (\d+) counts ` + regexp.QuoteMeta(c.fifo)))
	if err != nil {
		c.t.Fatal(err)
	}
	// Returns once the worker has opened its end.
	pipe, err = os.OpenFile(c.fifo, os.O_WRONLY, 0)
	if err != nil {
		c.t.Fatal(err)
	}
	return pid, pipe
}

// end waits for the end of the pool and checks how that was, and what is left on
// stderr.
func (c *counting) end(how, stdout, stderr string) {
	c.t.Helper()
	rest, err := io.ReadAll(c.stderr)
	if err != nil {
		c.t.Fatal(err)
	}
	c.cmd.Wait()
	if got := c.cmd.ProcessState.String(); got != how || c.stdout.String() != stdout || string(rest) != stderr {
		c.t.Errorf("%s, stdout %q, stderr %q; want %s, %q, %q", got, c.stdout.String(), rest, how, stdout, stderr)
	}
}

// killWorker ends the worker that reads the pipe. Until the pipe is gone, with
// all that is in it, the pool must not start the next worker, which would read
// the rest: so it is stopped meanwhile.
func (c *counting) killWorker(pid int, pipe *os.File, signal syscall.Signal) {
	c.t.Helper()
	c.kill(c.cmd.Process.Pid, syscall.SIGSTOP)
	c.kill(pid, signal)
	for { // until nobody reads
		again, err := os.OpenFile(c.fifo, os.O_WRONLY|syscall.O_NONBLOCK, 0)
		if errors.Is(err, syscall.ENXIO) {
			break
		}
		if err != nil {
			c.t.Fatal(err)
		}
		again.Close()
	}
	pipe.Close()
	c.kill(c.cmd.Process.Pid, syscall.SIGCONT)
}

func (c *counting) kill(pid int, signal syscall.Signal) {
	c.t.Helper()
	if err := syscall.Kill(pid, signal); err != nil {
		c.t.Fatal(err)
	}
}

func TestWorkerKilled(t *testing.T) {
	c := startCounting(t)
	for _, death := range []struct {
		signal syscall.Signal
		said   string
	}{
		{syscall.SIGKILL, "signal: killed"},
		{syscall.SIGTERM, "signal: terminated"},
	} {
		pid, pipe := c.worker()
		io.WriteString(pipe, "half a word")
		c.killWorker(pid, pipe, death.signal)
		c.said(`worker ` + strconv.Itoa(pid) + ` died: (` + death.said + `)`)
	}
	_, pipe := c.worker()
	io.WriteString(pipe, "the whole text\n")
	pipe.Close()
	c.end("exit status 0", "      1 text\n      1 the\n      1 whole\n", "")
}

func TestFileThatKillsWorkers(t *testing.T) {
	c := startCounting(t)
	for attempt := 1; attempt <= 3; attempt++ {
		pid, pipe := c.worker()
		c.killWorker(pid, pipe, syscall.SIGKILL)
		if attempt < 3 {
			c.said(`worker \d+ died: (signal: killed)`)
		}
	}
	c.end("exit status 1", "", "wordcount: "+c.fifo+": 3 workers died, the last with \"signal: killed\"\n")
}

func TestPoolTerminated(t *testing.T) {
	c := startCounting(t)
	_, pipe := c.worker()
	defer pipe.Close()
	c.kill(c.cmd.Process.Pid, syscall.SIGTERM)
	c.end("exit status 130", "", "wordcount: interrupted\n")
}

// TestPoolKilled leaves the worker an orphan, whom nobody but the launcher waits
// for. It dies of SIGPIPE when it wants to answer.
func TestPoolKilled(t *testing.T) {
	c := startCounting(t)
	_, pipe := c.worker()
	c.kill(c.cmd.Process.Pid, syscall.SIGKILL)
	state, err := c.cmd.Process.Wait()
	if err != nil || state.String() != "signal: killed" {
		t.Fatalf("the pool ended with %v (%v)", state, err)
	}
	io.WriteString(pipe, "nobody reads the answer\n")
	pipe.Close()
	// The worker has the same stderr as the pool: it is silent, and this lasts until it is gone.
	if rest, err := io.ReadAll(c.stderr); len(rest) != 0 || err != nil {
		t.Errorf("stderr said %q (%v)", rest, err)
	}
}
