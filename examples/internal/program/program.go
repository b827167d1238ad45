// Package program finds and builds the programs that the examples' tests start.
package program

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

var (
	mu    sync.Mutex
	dir   string                // of the programs built here; Main makes and removes it
	built = map[string]string{} // import path to file
)

// Main is the body of a TestMain: it runs the tests and removes what was built
// for them.
func Main(m *testing.M) {
	var err error
	if dir, err = os.MkdirTemp("", "programs"); err != nil {
		panic(err)
	}
	status := m.Run()
	os.RemoveAll(dir)
	os.Exit(status)
}

// Path returns the absolute path of a program. Under Bazel that is the file that
// the environment variable env names, relative to the runfiles; under "go test"
// the main package importPath is built, once.
func Path(t testing.TB, env, importPath string) string {
	t.Helper()
	if rootpath := os.Getenv(env); rootpath != "" {
		return filepath.Join(os.Getenv("TEST_SRCDIR"), os.Getenv("TEST_WORKSPACE"), rootpath)
	}
	mu.Lock()
	defer mu.Unlock()
	if file, ok := built[importPath]; ok {
		return file
	}
	file := filepath.Join(dir, filepath.Base(importPath))
	if output, err := exec.Command("go", "build", "-o", file, importPath).CombinedOutput(); err != nil {
		t.Fatalf("go build %s: %v\n%s", importPath, err, output)
	}
	built[importPath] = file
	return file
}
