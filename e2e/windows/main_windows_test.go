package windows

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/windows"

	"example.com/windows/console"
)

// programs is a folder with covwrap.exe and the subject: subject.exe as `covwrap
// go build` makes it, stock.exe as `go build -cover`, plain.exe without
// coverage. See build.
var programs string

// consoleVariable is there in the process that has a console of its own.
const consoleVariable = "COVWRAP_E2E_CONSOLE"

func TestMain(m *testing.M) {
	// A Ctrl-C of the tests goes to everybody at the console, so there must be
	// nobody but them.
	if os.Getenv(consoleVariable) == "" {
		os.Exit(again())
	}
	signal.Notify(make(chan os.Signal, 1), os.Interrupt)
	os.Exit(run(m))
}

// again runs this process again, with a console.
func again() int {
	cmd := exec.Command(os.Args[0], os.Args[1:]...)
	cmd.Env = append(os.Environ(), consoleVariable+"=1")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.CREATE_NO_WINDOW}
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return cmd.ProcessState.ExitCode()
}

func run(m *testing.M) int {
	if !console.Attached() {
		fmt.Fprintln(os.Stderr, "e2e/windows: no console")
		return 1
	}
	if programs = os.Getenv(programsVariable); programs == "" {
		dir, err := os.MkdirTemp("", "")
		if err == nil {
			defer os.RemoveAll(dir)
			programs, err = dir, build(dir)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "e2e/windows:", err)
			return 1
		}
	}
	return m.Run()
}

// result is all that can be seen of a process from outside.
type result struct{ status, stdout, stderr string }

// deadline is when something hangs.
const deadline = 2 * time.Minute

// command runs a program to its end.
func command(t *testing.T, stdin io.Reader, name string, args ...string) result {
	t.Helper()
	cmd := exec.Command(filepath.Join(programs, name), args...)
	var stdout, stderr strings.Builder
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &stdout, &stderr
	cmd.Env, cmd.WaitDelay = environment(), 10*time.Second // for what it leaves behind when it hangs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(deadline, func() { t.Errorf("%s hangs", cmd); cmd.Process.Kill() })
	defer timer.Stop()
	cmd.Wait()
	return result{cmd.ProcessState.String(), stdout.String(), stderr.String()}
}

// environment lets panics print no addresses, which differ between builds.
func environment() []string { return append(os.Environ(), "GOTRACEBACK=none") }

// ledger is what the tests look at in a ledger.
type ledger struct {
	Outcome   string
	Spawned   int
	Covered   int
	Collected int
	Children  []struct {
		PID       int
		PPID      int
		Argv      []string
		Exe       string
		Collected string
		Ended     ended
	}
	LeftOut []struct {
		PID             int
		Argv            []string
		Slug, Why, Mend string
	} `json:"left_out"`
	Trouble []struct{ Slug, Text string }
}

type ended struct {
	How  string
	Code *int
	ByUs bool `json:"by_us"`
}

func (e ended) String() string {
	if e.Code == nil {
		return e.How
	}
	return fmt.Sprintf("%s %d by us %v", e.How, *e.Code, e.ByUs)
}

func (l ledger) numbers() string {
	return fmt.Sprintf("spawned %d, covered %d, collected %d", l.Spawned, l.Covered, l.Collected)
}

// covered runs a program under covwrap run and returns what came of it.
func covered(t *testing.T, stdin io.Reader, flags []string, name string, args ...string) (result, counts, ledger) {
	t.Helper()
	dir := t.TempDir()
	profile, list := filepath.Join(dir, "profile"), filepath.Join(dir, "ledger")
	words := append([]string{"run", "--quiet", "--on-missing=ignore", "--profile=" + profile, "--json=" + list}, flags...)
	words = append(append(words, "--", filepath.Join(programs, name)), args...)
	r := command(t, stdin, "covwrap.exe", words...)
	c, err := readCounts(profile)
	if err != nil {
		t.Errorf("%v; %+v", err, r)
	}
	return r, c, readLedger(t, list)
}

func readLedger(t *testing.T, name string) (l ledger) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err == nil {
		err = json.Unmarshal(data, &l)
	}
	if err != nil {
		t.Fatal(err)
	}
	return l
}
