//go:build linux

package matrix

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"example.com/matrix/internal/oracle"
)

// Kind is a way to build a covered binary.
type Kind struct {
	Name  string
	Flags []string // of go build, and of its twin without coverage
	Cover []string // of go build, not of its twin
	Test  bool     // a test binary
	// Stock binaries are built by Go alone, without covwrap's runtime: they
	// tell what would be lost, and what a flush at exit can keep.
	Stock bool
	Set   bool          // counts are 0 and 1
	Image oracle.Counts // what each process runs before main, because of the kind
	twin  string        // name of the binary without coverage
}

// kinds are all of them. The first is that of every cell that is about something else.
var kinds = []*Kind{
	{Name: "atomic", Cover: []string{"-cover", "-covermode=atomic"}},
	{Name: "set", Cover: []string{"-cover", "-covermode=set"}, Set: true},
	{Name: "count", Cover: []string{"-cover", "-covermode=count"}},
	{Name: "race", Flags: []string{"-race"}, Cover: []string{"-cover"}, twin: "race"},
	{Name: "PIE", Flags: []string{"-buildmode=pie"}, Cover: []string{"-cover", "-covermode=atomic"}, twin: "pie"},
	{
		Name: "cgo, linked by gcc", Flags: []string{"-tags=matrixcgo", "-ldflags=-linkmode=external"},
		Cover: []string{"-cover", "-covermode=atomic"}, twin: "cgo",
		Image: oracle.Counts{"register": 1, "register.end": 3, "registered": 1},
	},
	{Name: "stripped", Flags: []string{"-ldflags=-s -w"}, Cover: []string{"-cover", "-covermode=atomic"}, twin: "plain"},
	{Name: "test binary", Cover: []string{"-cover", "-covermode=atomic", "-coverpkg=./helper,./work,./control"}, Test: true, twin: "test"},
	{Name: "go build -cover alone", Cover: []string{"-cover", "-covermode=atomic"}, Stock: true},
}

func kind(name string) *Kind {
	for _, k := range kinds {
		if k.Name == name {
			return k
		}
	}
	panic("no kind " + name)
}

// builds makes each binary once, when the first cell asks for it.
type builds struct {
	dir string
	mu  sync.Mutex
	all map[string]func() (string, error)
}

func (b *builds) get(name string, build func(out string) *exec.Cmd) (string, error) {
	b.mu.Lock()
	once := b.all[name]
	if once == nil {
		once = sync.OnceValues(func() (string, error) {
			out := filepath.Join(b.dir, name, "bin")
			cmd := build(out)
			cmd.Env = environment()
			if text, err := cmd.CombinedOutput(); err != nil {
				return "", fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, text)
			}
			return out, nil
		})
		b.all[name] = once
	}
	b.mu.Unlock()
	return once()
}

// covwrap returns the tool itself. COVWRAP_BIN names one that is built already.
func (b *builds) covwrap() (string, error) {
	if bin := os.Getenv("COVWRAP_BIN"); bin != "" {
		return filepath.Abs(bin)
	}
	return b.get("covwrap", func(out string) *exec.Cmd {
		return exec.Command("go", "build", "-C", filepath.Join("..", ".."), "-o", out, "./tools/covwrap")
	})
}

// covered returns the binary of that kind made of the package (of the module,
// "subject"), and the same without coverage. tags are further build tags.
func (b *builds) covered(k *Kind, pkg string, tags ...string) (covered, twin string, err error) {
	tool, err := b.covwrap()
	if err != nil {
		return "", "", err
	}
	flags := withTags(k.Flags, tags)
	suffix := "-" + strings.Join(append([]string{pkg}, tags...), "-")
	covered, err = b.get(strings.ReplaceAll(k.Name, " ", "_")+suffix, func(out string) *exec.Cmd {
		words := k.build(out, pkg, append(append([]string{}, k.Cover...), flags...))
		if k.Stock {
			return exec.Command("go", words...)
		}
		return exec.Command(tool, append([]string{"go"}, words...)...)
	})
	if err != nil {
		return "", "", err
	}
	twinKind := k.twin
	if twinKind == "" {
		twinKind = "plain"
	}
	twin, err = b.get("without-coverage-"+twinKind+suffix, func(out string) *exec.Cmd {
		return exec.Command("go", k.build(out, pkg, flags)...)
	})
	return covered, twin, err
}

// build is the command line after "go".
func (k *Kind) build(out, pkg string, flags []string) []string {
	words := []string{"build"}
	if k.Test {
		words = []string{"test", "-c"}
	}
	return append(append(words, flags...), "-o", out, "./"+pkg)
}

func withTags(flags, tags []string) []string {
	all := append([]string{}, flags...)
	for _, tag := range tags {
		all = append(all, "-tags="+tag)
	}
	return all
}

// environment is that of the test, without what would change a covered program
// or a build; a test that runs under the launcher has some of it.
func environment() []string {
	var env []string
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		if name == "GOFLAGS" || name == "GOCOVERDIR" || name == "GOTRACEBACK" || name == "COVERAGE_DIR" ||
			strings.HasPrefix(name, "COVWRAP_") || strings.HasPrefix(name, "TEST_") || strings.HasPrefix(name, "RUNFILES_") {
			continue
		}
		env = append(env, v)
	}
	return env
}

// binaries is set up by TestMain.
var binaries *builds

func mustCovered(t *testing.T, k *Kind, pkg string, tags ...string) (covered, twin string) {
	t.Helper()
	covered, twin, err := binaries.covered(k, pkg, tags...)
	if err != nil {
		t.Fatal(err)
	}
	return covered, twin
}
