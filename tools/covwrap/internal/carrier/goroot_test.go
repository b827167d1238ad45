package carrier

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// TestGoroot: one link for many callers, also in place of a wrong one.
func TestGoroot(t *testing.T) {
	cache, goroot := t.TempDir(), t.TempDir()
	link, err := Goroot(cache, goroot, "go1.99")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(link); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/elsewhere", link); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if got, err := Goroot(cache, goroot, "go1.99"); got != link || err != nil {
				t.Errorf("got %q, %v; want %q", got, err, link)
			}
		}()
	}
	wg.Wait()
	if to, err := os.Readlink(link); to != goroot || err != nil {
		t.Errorf("%s leads to %q, %v; want %q", link, to, err, goroot)
	}
	if entries, err := os.ReadDir(filepath.Dir(link)); err != nil || len(entries) != 1 {
		t.Errorf("left over: %v, %v", entries, err)
	}
	other, err := Goroot(cache, t.TempDir(), "go1.99")
	if other == link || err != nil {
		t.Errorf("another GOROOT has %q, %v", other, err)
	}
	file := filepath.Join(cache, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Goroot(file, goroot, "go1.99"); err == nil || !strings.Contains(err.Error(), "XDG_CACHE_HOME") {
		t.Errorf("cache folder that cannot be: %v", err)
	}
}
