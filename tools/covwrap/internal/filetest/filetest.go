// Package filetest has what tests of commands need that read and write files.
package filetest

import (
	"os"
	"path/filepath"
	"testing"
)

// In makes a folder with files, and makes it the working directory.
func In(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	return dir
}

// Holds wants a file with exactly this text.
func Holds(t *testing.T, name, want string) {
	t.Helper()
	got, err := os.ReadFile(name)
	if err != nil || string(got) != want {
		t.Errorf("%s holds\n%s\n%v; want\n%s", name, got, err, want)
	}
}
