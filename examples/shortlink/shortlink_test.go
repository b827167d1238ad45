//go:build unix

// Package shortlink_test runs the service and its client as their users do.
package shortlink_test

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/covwrap/covwrap/examples/internal/program"
)

const (
	goURL  = "https://go.dev/doc"
	goCode = "z3aQzp"
	module = "github.com/covwrap/covwrap/examples/shortlink/"
)

func TestMain(m *testing.M) { program.Main(m) }

// service is a running shortlinkd.
type service struct {
	cmd    *exec.Cmd
	url    string
	stdout *bufio.Reader
}

// start runs shortlinkd with the log data and returns when it is ready.
func start(t *testing.T, data string) *service {
	t.Helper()
	cmd := exec.Command(program.Path(t, "SHORTLINKD", module+"shortlinkd"), "-addr", "127.0.0.1:0", "-data", data)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	s := &service{cmd: cmd, stdout: bufio.NewReader(out)}
	line, err := s.stdout.ReadString('\n')
	url, ok := strings.CutPrefix(line, "listening on ")
	if !ok {
		t.Fatalf("the service said %q (%v), want where it listens", line, err)
	}
	s.url = strings.TrimSpace(url)
	return s
}

// stop sends a signal and returns what the service said since it was ready, and
// how it ended.
func (s *service) stop(t *testing.T, signal syscall.Signal) (said, ended string) {
	t.Helper()
	if err := s.cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(s.stdout)
	if err != nil {
		t.Fatal(err)
	}
	s.cmd.Wait()
	return string(rest), s.cmd.ProcessState.String()
}

// client runs shortlink and returns its output and exit status.
func (s *service) client(t *testing.T, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	cmd := exec.Command(program.Path(t, "SHORTLINK", module+"shortlink"), append([]string{"-server", s.url}, args...)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if _, ended := err.(*exec.ExitError); err != nil && !ended {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

func TestClient(t *testing.T) {
	s := start(t, filepath.Join(t.TempDir(), "links"))
	for _, test := range []struct {
		args           string
		stdout, stderr string
		status         int
	}{
		{"list", "", "", 0},
		{"add " + goURL, goCode + "\n", "", 0},
		{"get " + goCode, goURL + "\n", "", 0},
		{"list", goCode + "\n", "", 0},
		{"get nobody", "", "shortlink: 404 page not found\n", 1},
		{"add nonsense", "", "shortlink: \"nonsense\" is not an http or https URL\n", 1},
		{"add https://" + strings.Repeat("x", 2000), "", "shortlink: http: request body too large\n", 1},
		{"remove " + goCode, "", "usage: shortlink [-server URL] add URL... | get CODE | list\n", 2},
	} {
		stdout, stderr, status := s.client(t, strings.Fields(test.args)...)
		if stdout != test.stdout || stderr != test.stderr || status != test.status {
			t.Errorf("shortlink %s: %q, %q, exit status %d; want %q, %q, %d",
				test.args, stdout, stderr, status, test.stdout, test.stderr, test.status)
		}
	}
	s.stop(t, syscall.SIGINT)
	if _, stderr, status := s.client(t, "list"); status != 3 || !strings.HasPrefix(stderr, "shortlink: cannot reach the service: ") {
		t.Errorf("without a service: %q, exit status %d; want 3", stderr, status)
	}
}

func TestGracefulStop(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		data := filepath.Join(t.TempDir(), "links")
		s := start(t, data)
		s.client(t, "add", goURL, "https://bazel.build")
		said, ended := s.stop(t, signal)
		if said != "stopped with 2 links\n" || ended != "exit status 0" {
			t.Errorf("after %v the service said %q and ended with %q", signal, said, ended)
		}
	}
}

// TestCrash is the test that a coverage tool without covwrap sees nothing of:
// what SIGKILL ends has no last moment to write anything in.
func TestCrash(t *testing.T) {
	data := filepath.Join(t.TempDir(), "links")
	s := start(t, data)
	s.client(t, "add", goURL)
	if said, ended := s.stop(t, syscall.SIGKILL); said != "" || ended != "signal: killed" {
		t.Fatalf("after SIGKILL the service said %q and ended with %q", said, ended)
	}
	s = start(t, data)
	if stdout, _, _ := s.client(t, "get", goCode); stdout != goURL+"\n" {
		t.Errorf("after a crash the link leads to %q, want %q", stdout, goURL)
	}
	s.stop(t, syscall.SIGTERM)
}

func TestBadData(t *testing.T) {
	cmd := exec.Command(program.Path(t, "SHORTLINKD", module+"shortlinkd"), "-addr", "127.0.0.1:0", "-data", t.TempDir())
	output, _ := cmd.CombinedOutput()
	if ended := cmd.ProcessState.String(); ended != "exit status 1" || !strings.HasSuffix(string(output), ": is a directory\n") {
		t.Errorf("with a folder for its data the service said %q and ended with %q", output, ended)
	}
}
