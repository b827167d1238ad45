//go:build linux

// Package plain tests covwrap on Go projects without Bazel. README.md says
// what is proved.
package plain

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var (
	scratch string // folder for what several tests share
	covwrap string // the command under test
	self    string // this binary
)

// scenarioVariable turns this binary into one of the scenarios, which run
// below "covwrap run".
const scenarioVariable = "PLAIN_SCENARIO"

func TestMain(m *testing.M) {
	if name := os.Getenv(scenarioVariable); name != "" {
		os.Unsetenv(scenarioVariable)
		if err := scenarios[name](os.Args[1:]); err != nil {
			fmt.Fprintf(os.Stderr, "scenario %s: %v\n", name, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(setUp(m))
}

func setUp(m *testing.M) int {
	var err error
	if self, err = os.Executable(); err == nil {
		scratch, err = os.MkdirTemp("", "covwrap-plain-")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer removeAll(scratch)
	// Settings of the one who calls are not part of the test.
	for _, name := range []string{"GOFLAGS", "GOCOVERDIR", "COVWRAP_DIR", "COVWRAP_TEST", "COVWRAP_OPTIONS"} {
		os.Unsetenv(name)
	}
	// A toolchain line of a third-party module must not choose another Go.
	os.Setenv("GOTOOLCHAIN", "local")
	os.Setenv("XDG_CACHE_HOME", filepath.Join(scratch, "cache")) // covwrap's overlays
	if os.Getenv("GOCACHE") == "" {
		out, err := exec.Command("go", "env", "GOCACHE").Output()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		os.Setenv("GOCACHE", strings.TrimSpace(string(out))) // as before
	}
	covwrap = filepath.Join(scratch, "covwrap")
	build := exec.Command("go", "build", "-o", covwrap, "./tools/covwrap")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build ./tools/covwrap: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// removeAll removes a folder that may contain read-only folders of the module
// cache's making.
func removeAll(dir string) {
	filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			os.Chmod(name, 0o755)
		}
		return nil
	})
	os.RemoveAll(dir)
}

// folder returns a new folder whose name has no symbolic link, so that names
// of the working tree can be compared.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// write writes files below dir; names have forward slashes.
func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, data := range files {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(data), 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// result is what a command did.
type result struct {
	stdout, stderr string
	status         int
}

// try runs a command to its end, with variables added to the environment.
func try(t *testing.T, dir string, env []string, name string, args ...string) result {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s %q: %v", name, args, err)
	}
	return result{out.String(), errs.String(), cmd.ProcessState.ExitCode()}
}

// must is try for a command that has to succeed; it returns standard output.
func must(t *testing.T, dir string, env []string, name string, args ...string) string {
	t.Helper()
	r := try(t, dir, env, name, args...)
	if r.status != 0 {
		t.Fatalf("%s %q: exit status %d\n%s%s", name, args, r.status, r.stdout, r.stderr)
	}
	return r.stdout
}

// module copies a module of the Go module proxy into a folder of its own,
// where it can be worked on like any checkout.
func module(t *testing.T, pathVersion string) string {
	t.Helper()
	out := must(t, folder(t), []string{"GOFLAGS=-mod=mod", "GOWORK=off"}, "go", "mod", "download", "-json", pathVersion)
	var info struct{ Dir, Error string }
	if err := json.Unmarshal([]byte(out), &info); err != nil || info.Error != "" {
		t.Fatalf("go mod download %s: %v %s", pathVersion, err, info.Error)
	}
	dir := folder(t)
	if err := os.CopyFS(dir, os.DirFS(info.Dir)); err != nil {
		t.Fatal(err)
	}
	// The cache is read-only and has lost the modes of scripts.
	must(t, dir, nil, "chmod", "-R", "u+w", ".")
	return dir
}

// scenarios run below "covwrap run", or below nothing, and start programs.
var scenarios = map[string]func(args []string) error{}

// scenario returns what makes a command run a scenario.
func scenario(name string) []string { return []string{scenarioVariable + "=" + name} }

// program is a started program whose output is read line by line.
type program struct {
	*exec.Cmd
	out   *bufio.Reader
	lines []string
}

// start starts a program; what it prints on both its outputs is read.
func start(name string, args ...string) (*program, error) {
	p := &program{Cmd: exec.Command(name, args...)}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer w.Close()
	p.Stdout, p.Stderr = w, w
	p.out = bufio.NewReader(r)
	return p, p.Start()
}

// until reads lines until one contains the text, and returns that one.
func (p *program) until(text string) (string, error) {
	for {
		line, err := p.out.ReadString('\n')
		p.lines = append(p.lines, line)
		if strings.Contains(line, text) {
			return line, nil
		}
		if err != nil {
			return "", fmt.Errorf("%s: %w before it printed %q; it printed:\n%s", p.Path, err, text, strings.Join(p.lines, ""))
		}
	}
}

// end sends a signal and waits for the end.
func (p *program) end(sig os.Signal) error {
	if err := p.Process.Signal(sig); err != nil {
		return err
	}
	go io.Copy(io.Discard, p.out)
	p.Wait()
	return nil
}

// reader reads a pipe by lines.
func reader(r io.Reader) *bufio.Reader { return bufio.NewReader(r) }
