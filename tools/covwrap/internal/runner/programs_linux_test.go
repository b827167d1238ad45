package runner_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/covwrap/covwrap/tools/covwrap/internal/ledger"
)

// programs builds testdata/prog in three ways, once: without coverage, with
// "go build -cover" alone, and with covwrap's runtime. It skips the test where
// there is no go command, as in Bazel's sandbox; there the end-to-end tests
// do the same with programs that the rules built.
func programs(t testing.TB) string {
	t.Helper()
	dir, err := build()
	if err == exec.ErrNotFound {
		t.Skip("no go command on PATH")
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

var build = sync.OnceValues(func() (string, error) {
	if _, err := exec.LookPath("go"); err != nil {
		return "", exec.ErrNotFound
	}
	dir, err := os.MkdirTemp("", "programs")
	if err != nil {
		return "", err
	}
	built = dir
	root, err := filepath.Abs("../../../..")
	if err != nil {
		return "", err
	}
	src := filepath.Join(dir, "src")
	if err := os.CopyFS(src, os.DirFS("testdata/prog")); err != nil {
		return "", err
	}
	// The go command takes the module of this test from the working tree.
	mod := "module example.com/prog\n\ngo 1.24\n\nrequire github.com/covwrap/covwrap v0.0.0\n\nreplace github.com/covwrap/covwrap => " + root + "\n"
	if err := os.WriteFile(filepath.Join(src, "go.mod"), []byte(mod), 0o666); err != nil {
		return "", err
	}
	hook := []byte("package main\n\nimport _ \"github.com/covwrap/covwrap/embed/auto\"\n")
	for _, b := range [][]string{
		{"plain", "."},
		{"stock", ".", "-cover", "-covermode=count", "-coverpkg=example.com/prog/..."},
		{"mapped", ".", "-cover", "-covermode=count", "-coverpkg=example.com/prog/..."},
		{"second", "./other", "-cover", "-covermode=count", "-coverpkg=example.com/prog/..."},
		{"set", ".", "-cover", "-covermode=set", "-coverpkg=example.com/prog/..."},
	} {
		if b[0] == "mapped" {
			for _, d := range []string{".", "other"} {
				if err := os.WriteFile(filepath.Join(src, d, "hook.go"), hook, 0o666); err != nil {
					return "", err
				}
			}
		}
		cmd := exec.Command("go", append(append([]string{"build", "-o", filepath.Join(dir, b[0])}, b[2:]...), b[1])...)
		cmd.Dir = src
		cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("%v: %w\n%s", cmd.Args, err, out)
		}
	}
	return dir, nil
})

// runScript runs a shell script under "covwrap run" with all of its outputs, in
// a folder where the programs lie.
func runScript(t *testing.T, script string, flags ...string) (result, *exec.Cmd) {
	t.Helper()
	dir := programs(t)
	args := append([]string{"run", "--lcov=l.info", "--profile=p.txt", "--gocoverdir=gcd", "--json=ledger.json"}, flags...)
	cmd := covwrap(t, append(args, "--", "sh", "-c", script)...)
	// The sources lie where the command runs, as they do for a developer.
	if err := os.CopyFS(cmd.Dir, os.DirFS(filepath.Join(dir, "src"))); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{"plain", "stock", "mapped", "second", "set"} {
		if err := os.Symlink(filepath.Join(dir, p), filepath.Join(cmd.Dir, p)); err != nil {
			t.Fatal(err)
		}
	}
	return run(t, cmd), cmd
}

// readLedger reads the ledger that a command wrote.
func readLedger(t testing.TB, path string) *ledger.Ledger {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	l, err := ledger.Read(path, f)
	if err != nil {
		t.Fatal(err)
	}
	return l
}
