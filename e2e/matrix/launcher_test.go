//go:build linux

package matrix

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"

	"example.com/matrix/internal/oracle"
)

// endsOfLauncher are the ends of a program that the launcher itself starts.
var endsOfLauncher = []string{
	"return from main", "os.Exit(0)", "os.Exit(3)", "log.Fatal", "raw exit_group(3)", "panic in main",
	"runtime.Goexit in main", "deadlock", "stack overflow", "SIGTERM raised by the program itself",
	"syscall.Exec of itself, then returns", "syscall.Exec of /bin/true",
}

// TestLauncher puts nothing between the launcher and the program: what the
// launcher's own parent sees must be what it sees without a launcher.
func TestLauncher(t *testing.T) {
	cells := []*End{
		{Name: "SIGKILL raised by the program itself", Args: "raise 9", Status: "signal: killed", Counts: sum(counts{"raise": 1, "number": 1}, must(1))},
		{Name: "SIGINT raised by the program itself", Args: "raise 2", Status: "signal: interrupt", Counts: sum(counts{"raise": 1, "number": 1}, must(1))},
		{Name: "SIGHUP raised by the program itself", Args: "raise 1", Status: "signal: hangup", Counts: sum(counts{"raise": 1, "number": 1}, must(1))},
		{Name: "SIGPIPE raised by the program itself", Args: "raise 13", Status: "exit status 0", Counts: sum(counts{"raise": 1, "number": 1}, must(1))},
	}
	for _, name := range endsOfLauncher {
		cells = append(cells, end(name))
	}
	for _, e := range cells {
		t.Run(e.Name, func(t *testing.T) {
			t.Parallel()
			covered, twin := mustCovered(t, kind("atomic"), "subject")
			goOn := e.Status == "exit status 0"
			bare := newFolder(t)
			without := alone(t, bare, goOn, nil, append([]string{twin}, e.arguments("")...))
			f := newFolder(t)
			tool, err := binaries.covwrap()
			if err != nil {
				t.Fatal(err)
			}
			launcher := []string{tool, "run", "--quiet", "--profile=" + f.path("profile"), "--lcov=" + f.path("lcov"), "--json=" + f.path("ledger"), "--"}
			with := alone(t, f, goOn, launcher, append([]string{covered}, e.arguments("")...))

			if without.status != e.Status || with.status != e.Status {
				t.Errorf("without coverage: %s; with: %s; want %s", without.status, with.status, e.Status)
			}
			c := e.cell(t, kind("atomic"))
			c.Want = oracle.Want{Counts: sum(c.Want.Counts), Slack: e.Slack}
			for file, both := range map[string][2][]byte{"stdout": {without.out, with.out}, "stderr": {without.err, with.err}} {
				if err := os.WriteFile(bare.path(file), both[0], 0o666); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(f.path(file), both[1], 0o666); err != nil {
					t.Fatal(err)
				}
				c.compareOutput(t, bare, f, file)
			}
			c.compareProfile(t, f)
			c.compareLedger(t, f)
			if left := f.processes(); len(left) != 0 {
				t.Errorf("processes are left behind: %v", left)
			}
		})
	}
}

// observed is what a parent sees of a program.
type observed struct {
	status   string
	out, err []byte
}

// alone runs a program with nothing but a launcher before it. goOn says that it
// survives what it does to itself, and is to end then.
func alone(t *testing.T, f *folder, goOn bool, launcher, program []string) observed {
	t.Helper()
	argv := append(launcher, program...)
	for i := range argv {
		argv[i] = f.inside(argv[i])
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = environment()
	var out, err bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &err
	// Descriptors 3 and 4, of which the second waits for ever.
	wait, other, failed := os.Pipe()
	if failed != nil {
		t.Fatal(failed)
	}
	defer other.Close()
	defer wait.Close()
	if goOn {
		other.Close()
	}
	cmd.ExtraFiles = []*os.File{wait, wait}
	cmd.Run() // the status says all
	return observed{strings.TrimSuffix(cmd.ProcessState.String(), " (core dumped)"), out.Bytes(), err.Bytes()}
}
