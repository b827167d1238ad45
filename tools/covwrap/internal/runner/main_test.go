package runner_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/covwrap/covwrap/tools/covwrap/internal/cli"
)

// asCovwrap makes this test binary behave as covwrap itself.
const asCovwrap = "RUNNER_TEST_AS_COVWRAP"

func TestMain(m *testing.M) {
	if os.Getenv(asCovwrap) != "" {
		os.Unsetenv(asCovwrap)
		os.Exit(cli.Main(os.Args, cli.Stdio{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
	}
	status := m.Run()
	if built != "" {
		os.RemoveAll(built)
	}
	os.Exit(status)
}

// built is the folder of the programs that tests have built.
var built string

// self is the path of this test binary.
func self(t testing.TB) string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return exe
}

// covwrap returns a command of covwrap, in a folder of its own and with an
// environment that is known.
func covwrap(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(self(t), args...)
	cmd.Args[0] = "covwrap"
	cmd.Dir = t.TempDir()
	cmd.Env = []string{asCovwrap + "=1", "PATH=" + os.Getenv("PATH"), "HOME=" + cmd.Dir, "TMPDIR=" + t.TempDir()}
	return cmd
}

// result is what a command left behind.
type result struct {
	status   string // "exit 3", "signal killed"
	out, err string
}

// run runs a command to its end and fails the test if the profile directory is
// still there afterwards.
func run(t testing.TB, cmd *exec.Cmd) result {
	t.Helper()
	var out, errs bytes.Buffer
	if cmd.Stdout == nil {
		cmd.Stdout = &out
	}
	cmd.Stderr = &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	clean(t, cmd)
	return result{status(cmd.ProcessState), out.String(), errs.String()}
}

func status(s *os.ProcessState) string {
	if s.ExitCode() >= 0 {
		return fmt.Sprintf("exit %d", s.ExitCode())
	}
	return s.String()
}

// clean fails the test if a profile directory was left in the command's
// temporary folder.
func clean(t testing.TB, cmd *exec.Cmd) {
	t.Helper()
	for _, kv := range cmd.Env {
		dir, ok := strings.CutPrefix(kv, "TMPDIR=")
		if !ok {
			continue
		}
		left, err := filepath.Glob(filepath.Join(dir, "*covwrap*"))
		hidden, err2 := filepath.Glob(filepath.Join(dir, ".covwrap*"))
		if len(left)+len(hidden) > 0 || err != nil || err2 != nil {
			t.Errorf("left behind in the temporary folder: %v %v", left, hidden)
		}
	}
}

// expect compares everything that a command did.
func expect(t testing.TB, what string, got, want result) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}

// read returns a file's content.
func read(t testing.TB, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func write(t testing.TB, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
}
