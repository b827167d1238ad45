//go:build unix

package signals

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// TestMain lets this binary be the process under test as well.
func TestMain(m *testing.M) {
	if way := os.Getenv("SIGNALS_TEST"); way != "" {
		child(way)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child says "ready", and at each flush "flush" and then waits for a line of
// stdin.
func child(way string) {
	stdin := bufio.NewReader(os.Stdin)
	flush := func() {
		fmt.Println("flush")
		stdin.ReadString('\n')
	}
	On(flush, []os.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGWINCH, syscall.SIGQUIT})
	fmt.Println("ready")
	<-make(chan int)
}

// TestDuringFlush: signals that come while the flush runs wait for its end.
func TestDuringFlush(t *testing.T) {
	for _, test := range []struct {
		name    string
		signals []os.Signal // each is sent when the child has said something
		said    []string
		want    string
	}{
		{"one", []os.Signal{syscall.SIGTERM}, []string{"flush"}, "signal: terminated"},
		{"again", []os.Signal{syscall.SIGTERM, syscall.SIGTERM}, []string{"flush", ""}, "signal: terminated"},
		{"another", []os.Signal{syscall.SIGHUP, syscall.SIGTERM}, []string{"flush", ""}, "signal: hangup"},
		{"harmless first", []os.Signal{syscall.SIGWINCH, syscall.SIGTERM}, []string{"flush", ""}, "signal: terminated"},
		{"quit", []os.Signal{syscall.SIGQUIT}, []string{"flush"}, "exit status 2"},
	} {
		t.Run(test.name, func(t *testing.T) {
			cmd := exec.Command(os.Args[0])
			// With a time-out the test main of rules_go handles SIGTERM.
			cmd.Env = append(os.Environ(), "SIGNALS_TEST=1", "TEST_TIMEOUT=")
			stdin, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			stdout, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer cmd.Process.Kill()
			lines := bufio.NewScanner(stdout)
			next := func(want string) {
				t.Helper()
				if lines.Scan(); lines.Text() != want {
					t.Fatalf("the child said %q, want %q", lines.Text(), want)
				}
			}
			next("ready")
			for i, s := range test.signals {
				if err := cmd.Process.Signal(s); err != nil {
					t.Fatal(err)
				}
				if test.said[i] != "" {
					next(test.said[i])
				}
			}
			// The child is in its first flush and alive, whatever came.
			fmt.Fprintln(stdin)
			// A later signal of another kind is flushed for, too, if the first did
			// not end the process; the line lets that go on.
			fmt.Fprintln(stdin)
			for lines.Scan() {
				if lines.Text() != "flush" {
					t.Errorf("the child said %q", lines.Text())
				}
			}
			cmd.Wait()
			if got := cmd.ProcessState.String(); !strings.HasPrefix(got, test.want) {
				t.Errorf("the child ended by %s, want %s", got, test.want)
			}
		})
	}
}

// TestLeftOut: what nobody can catch, what is ignored and what is no signal.
func TestLeftOut(t *testing.T) {
	before := len(watched)
	On(func() { t.Error("flushed") }, []os.Signal{syscall.SIGKILL, syscall.SIGSTOP, nil, notOne{}})
	if len(watched) != before {
		t.Errorf("watches %v", watched)
	}
}

type notOne struct{}

func (notOne) Signal()        {}
func (notOne) String() string { return "not one" }
