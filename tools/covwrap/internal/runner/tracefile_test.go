package runner_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/covwrap/covwrap/tools/covwrap/internal/runner"
)

// A tracefile's name has nothing of chance, and no other is overwritten.
func TestTracefileName(t *testing.T) {
	w := &runner.Wrapped{Coverage: t.TempDir()}
	for _, want := range []string{"covwrap.0.dat", "covwrap.1.dat"} {
		got, err := w.Tracefile()
		if err != nil || got != filepath.Join(w.Coverage, want) {
			t.Errorf("got %q, %v; want %s", got, err, want)
		}
		if info, err := os.Stat(got); err != nil || info.Size() != 0 || info.Mode().Perm() != 0o644 {
			t.Errorf("%s: %v, %v", got, info, err)
		}
	}
	w.Coverage = filepath.Join(w.Coverage, "missing")
	if _, err := w.Tracefile(); !os.IsNotExist(err) {
		t.Errorf("a missing folder: %v", err)
	}
}
