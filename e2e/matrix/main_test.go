//go:build linux

// Package matrix tests covwrap's first two promises, nothing lost and nothing
// changed, for every way a process can end, in every place it can stand, for
// every kind of binary. README.md says how the cells work.
package matrix

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"example.com/matrix/internal/oracle"
	"example.com/matrix/internal/parent"
)

// parentVariable turns this test's binary into the parent process of a cell,
// whose folder it names.
const parentVariable = "MATRIX_PARENT"

var (
	update  = flag.Bool("update", false, "write docs/matrix.md and bazel/cells.json anew")
	bazel   = flag.Bool("bazel", false, "also run cells under bazel coverage")
	scratch string // folder for everything that the tests make
	self    string // this binary
	tags    *oracle.Tags
)

// parentCommand is the parent of a cell. Its argument is there to be seen in
// the process table only.
func parentCommand(f *folder) []string { return []string{self, f.dir} }

func TestMain(m *testing.M) {
	if dir := os.Getenv(parentVariable); dir != "" {
		os.Unsetenv(parentVariable)
		os.Exit(parent.Main(dir))
	}
	flag.Parse()
	parent.CloseOnExec()
	os.Exit(prepare(m))
}

// prepare makes what all tests need, runs them, and cleans up.
func prepare(m *testing.M) int {
	var err error
	if tags, err = oracle.ReadTags(".", module, "subject", "other", "work", "control", "helper"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if self, err = os.Executable(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if scratch, err = os.MkdirTemp("", "covwrap-matrix-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(scratch)
	// A process that gave up root has to get to its binary.
	if err := os.Chmod(scratch, 0o755); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	binaries = &builds{dir: scratch, all: map[string]func() (string, error){}}
	return m.Run()
}
