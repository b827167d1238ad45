//go:build linux

package proof

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/covwrap/covwrap/embed/countermap"
)

// result is all that can be seen of a process from outside.
type result struct{ status, stdout, stderr string }

// profileDir makes a profile directory.
func profileDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp(root, "profile-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o777|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// run runs a program with COVWRAP_DIR and a GOCOVERDIR that does not exist, so
// that the emission of a stock runtime is seen on stderr.
func run(t *testing.T, dir, bin string, args ...string) result {
	t.Helper()
	return runCmd(t, dir, exec.Command(bin, args...))
}

func runCmd(t *testing.T, dir string, cmd *exec.Cmd) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if cmd.Env == nil {
		cmd.Env = env(dir)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("%s: %v", cmd, err)
	}
	// A process that hangs must not stop all tests; no result depends on the time.
	timer := time.AfterFunc(5*time.Minute, func() { t.Errorf("%s hangs", cmd); cmd.Process.Kill() })
	defer timer.Stop()
	err := cmd.Wait()
	if _, ok := err.(*exec.ExitError); err != nil && !ok {
		t.Fatalf("%s: %v", cmd, err)
	}
	return result{cmd.ProcessState.String(), stdout.String(), stderr.String()}
}

// env is what a process below the launcher finds. GOCOVERDIR is set, as the
// launcher does for stock binaries.
func env(dir string) []string {
	return []string{"PATH=" + os.Getenv("PATH"), "COVWRAP_DIR=" + dir, "GOCOVERDIR=" + dir, "GOTRACEBACK=single"}
}

// maps opens the counter maps of a profile directory, oldest first.
func maps(t *testing.T, dir string) []*countermap.Map {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, countermap.FilePrefix+"*"))
	if err != nil {
		t.Fatal(err)
	}
	var ms []*countermap.Map
	for _, name := range names {
		m, err := countermap.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { m.Close() })
		if pid, start, ok := countermap.ParseName(filepath.Base(name)); !ok || pid != m.PID || !start.Equal(m.Start) {
			t.Fatalf("%s holds pid %d, start %v", name, m.PID, m.Start)
		}
		ms = append(ms, m)
	}
	sort.Slice(ms, func(i, j int) bool { return ms[i].Start.Before(ms[j].Start) })
	return ms
}

// counts returns how often the loop of the subject's function work.Do ran, and
// how often it was called.
func counts(t *testing.T, m *countermap.Map) (loop, calls uint32) {
	t.Helper()
	words, err := m.Counters(nil)
	if err != nil {
		t.Fatal(err)
	}
	pkgs, complete, err := m.Packages()
	if err != nil {
		t.Fatal(err)
	}
	work := uint32(0) // without a table: the first covered package
	if m.Flags&countermap.Table != 0 {
		if !complete {
			t.Fatal("the package table is incomplete")
		}
		work = countermap.UnknownPackage
		for i, p := range pkgs {
			if p.Path == "example.com/subject/work" {
				work = uint32(i)
			}
		}
	}
	err = m.VisitFuncs(words, pkgs, func(pkg, fn uint32, counters []uint32) error {
		if pkg == work && fn == 0 {
			if len(counters) != 3 {
				return fmt.Errorf("work.Do has %d blocks, not 3", len(counters))
			}
			calls, loop = counters[0], counters[2]
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return loop, calls
}

// want checks the counts of one map. In mode set a count is 0 or 1.
func want(t *testing.T, k *kind, m *countermap.Map, loop, calls uint32) {
	t.Helper()
	if k.mode == "set" {
		loop, calls = min(loop, 1), min(calls, 1)
	}
	if l, c := counts(t, m); l != loop || c != calls {
		t.Errorf("%s %q: the loop ran %d times in %d calls, want %d in %d", k.name, m.Argv, l, c, loop, calls)
	}
}

// one checks that the directory has the map of one process, and returns it.
func one(t *testing.T, k *kind, dir string, args ...string) *countermap.Map {
	t.Helper()
	ms := maps(t, dir)
	if len(ms) != 1 {
		t.Fatalf("%d counter maps in %v, want 1", len(ms), list(t, dir))
	}
	m := ms[0]
	if got, wanted := strings.Join(m.Argv[1:], " "), strings.Join(args, " "); got != wanted {
		t.Errorf("argv %q, want %q", got, wanted)
	}
	wantFlags := countermap.Whole
	if k.edges {
		wantFlags = countermap.Edges
	}
	if k.carrier != "import" {
		wantFlags |= countermap.Table
	}
	if m.Flags != wantFlags || m.State != countermap.Live {
		t.Errorf("flags %#x, state %d; want %#x, %d", m.Flags, m.State, wantFlags, countermap.Live)
	}
	return m
}

func list(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func requireRoot(t *testing.T) {
	t.Helper()
	if syscall.Geteuid() != 0 {
		t.Skip("needs root")
	}
}
