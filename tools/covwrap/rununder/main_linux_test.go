package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestMain makes the test binary the launcher when RUNUNDER_TEST is set.
func TestMain(m *testing.M) {
	if os.Getenv("RUNUNDER_TEST") != "" {
		os.Exit(run(os.Args, os.Stderr))
	}
	os.Exit(m.Run())
}

// show is a test that prints what it sees of the launcher: its own name, its
// argument, and the variables.
const show = `#!/bin/sh
echo "$0 $1 test=$COVWRAP_TEST options=$COVWRAP_OPTIONS dir=${COVWRAP_DIR:+set}"
exit 5
`

func TestRunUnder(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	test := filepath.Join(dir, "show")
	if err := os.WriteFile(test, []byte(show), 0o777); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name     string
		args     []string
		env      []string
		coverage bool
		status   int
		out      string
		traced   bool
	}{
		{name: "nothing to run", status: 2, out: "covwrap: no test on the command line; this program is for --run_under=@covwrap//rules/repository:launcher\n"},
		{name: "without coverage", args: []string{"./show", "a b"}, status: 5, out: test + " a b test= options= dir=\n"},
		{name: "with coverage", args: []string{"./show", "a b"}, coverage: true, status: 5, out: test + " a b test= options= dir=set\n", traced: true},
		{name: "before a launcher", args: []string{"show", "c"}, coverage: true, env: []string{"COVWRAP_TEST=inner", "COVWRAP_OPTIONS=grace=1s"},
			status: 5, out: test + " c test=inner options=grace=1s dir=\n"},
		{name: "no such test", args: []string{"none"}, status: 127, out: "covwrap: cannot run " + filepath.Join(dir, "none") + ": no such file or directory\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cmd := exec.Command(self, c.args...)
			cmd.Dir = dir
			coverage := t.TempDir()
			cmd.Env = append([]string{"RUNUNDER_TEST=1", "PATH=" + os.Getenv("PATH"), "TEST_TMPDIR=" + t.TempDir()}, c.env...)
			if c.coverage {
				cmd.Env = append(cmd.Env, "COVERAGE_DIR="+coverage)
			}
			out, _ := cmd.CombinedOutput()
			if string(out) != c.out || cmd.ProcessState.ExitCode() != c.status {
				t.Errorf("%s, output %q\nwant exit status %d, output %q", cmd.ProcessState, out, c.status, c.out)
			}
			files, err := os.ReadDir(coverage)
			if err != nil {
				t.Fatal(err)
			}
			traced := len(files) == 1 && strings.HasPrefix(files[0].Name(), "covwrap.")
			if traced != c.traced {
				t.Errorf("COVERAGE_DIR has %v, a tracefile of covwrap's: %v", files, c.traced)
			}
		})
	}
}

// TestOptions: the file beside the launcher is read. That shows when an option in it
// is not understood.
func TestOptions(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	launcher := filepath.Join(t.TempDir(), "launcher")
	if err := os.Symlink(self, launcher); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(launcher+".options", []byte("grace=1s unheard=of\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	outputs := t.TempDir()
	cmd := exec.Command(launcher, "/bin/true")
	cmd.Env = []string{"RUNUNDER_TEST=1", "TEST_TMPDIR=" + t.TempDir(), "COVERAGE_DIR=" + t.TempDir(), "TEST_UNDECLARED_OUTPUTS_DIR=" + outputs}
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("%v, output %q", err, out)
	}
	log, err := os.ReadFile(filepath.Join(outputs, "covwrap", "covwrap.log"))
	if err != nil {
		t.Fatal(err)
	}
	if want := "bad-option: COVWRAP_OPTIONS: \"unheard=of\" is not understood\n"; string(log) != want {
		t.Errorf("log %q, want %q", log, want)
	}
}
