package account

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestCovered: executables of every system, stripped, with coverage and
// without.
func TestCovered(t *testing.T) {
	if os.Getenv("TEST_SRCDIR") != "" {
		t.Skip("actions of Bazel do not have the go command; `go test` runs it")
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module example.com/m\n\ngo 1.24\n", "main.go": "package main\n\nfunc main() {}\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	check := newChecker()
	for _, goos := range []string{"linux", "windows", "darwin"} {
		for _, flag := range []string{"-cover", "-cover=false"} {
			exe := filepath.Join(dir, goos+flag)
			build := exec.Command("go", "build", flag, "-ldflags=-s -w", "-o", exe, ".")
			build.Dir = dir
			build.Env = append(os.Environ(), "GOFLAGS=", "GOOS="+goos, "GOARCH=amd64", "CGO_ENABLED=0")
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("%s: %v\n%s", build, err, out)
			}
			if covered, known := check.covered(exe); covered != (flag == "-cover") || !known {
				t.Errorf("%s: covered %v, known %v", exe, covered, known)
			}
		}
	}
	if covered, known := check.covered(filepath.Join(dir, "main.go")); covered || !known {
		t.Errorf("no executable: covered %v, known %v", covered, known)
	}
	if _, known := check.covered(filepath.Join(dir, "none")); known {
		t.Error("what is not there is known")
	}
}
