//go:build linux

package proof

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// harmless runs a program that cannot have a map, checks that it is the same as
// without coverage, and returns what it left in the profile directory.
func harmless(t *testing.T, dir string, k *kind, prepare string) []string {
	t.Helper()
	script := prepare + `exec "$0" exit 7`
	sh := func(bin string) result {
		cmd := exec.Command("/bin/sh", "-c", script, bin)
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "COVWRAP_DIR=" + dir, "GOCOVERDIR=/dev/null"}
		return runCmd(t, dir, cmd)
	}
	got, wanted := sh(k.build(t)), sh(plain.build(t))
	// Without a map it is left to Go, which complains of GOCOVERDIR as always.
	var lines []string
	for _, l := range strings.SplitAfter(got.stderr, "\n") {
		if !strings.HasPrefix(l, "error: coverage meta-data emit failed: output directory \"/dev/null\"") &&
			!strings.HasPrefix(l, "error: coverage counter data emit failed: output directory \"/dev/null\"") {
			lines = append(lines, l)
		}
	}
	got.stderr = strings.Join(lines, "")
	if got != wanted {
		t.Errorf("got\n%+v\nwithout coverage\n%+v", got, wanted)
	}
	if wanted.status != "exit status 3" {
		t.Errorf("%+v", wanted)
	}
	var names []string
	for _, name := range list(t, dir) {
		if strings.HasPrefix(name, "covnote.") {
			name = "covnote " + name[strings.LastIndex(name, ".")+1:]
		}
		names = append(names, name)
	}
	return names
}

var limitKinds = []string{"count", "atomic", "cgo-external"}

func TestFileSizeLimit(t *testing.T) {
	for _, name := range limitKinds {
		k := kindNamed(t, name)
		dir := profileDir(t)
		got := harmless(t, dir, k, "ulimit -f 0; ")
		if wanted := []string{"covnote map-file-size-limit", "covwrap.log"}; fmt.Sprint(got) != fmt.Sprint(wanted) {
			t.Errorf("%s left %q, want %q", name, got, wanted)
		}
		if info, err := os.Stat(filepath.Join(dir, "covwrap.log")); err != nil || info.Size() != 0 {
			t.Errorf("%s: the log: %v, %v", name, info, err)
		}
		// One block of 512 bytes: enough for the words, not for a map.
		dir = profileDir(t)
		harmless(t, dir, k, "ulimit -f 1; ")
		text, err := os.ReadFile(filepath.Join(dir, "covwrap.log"))
		wanted := fmt.Sprintf("covwrap: map-file-size-limit: pid %d %s exit 7: file too large\n", pidOf(t, dir), k.bin)
		if err != nil || string(text) != wanted {
			t.Errorf("%s: log %q, %v; want %q", name, text, err, wanted)
		}
	}
}

// pidOf returns the pid in the name of the one note.
func pidOf(t *testing.T, dir string) (pid int) {
	t.Helper()
	for _, name := range list(t, dir) {
		if _, err := fmt.Sscanf(name, "covnote.%d.", &pid); err == nil {
			return pid
		}
	}
	t.Fatalf("no note in %q", list(t, dir))
	return 0
}

// TestNoDescriptors: the table is full when the program starts.
func TestNoDescriptors(t *testing.T) {
	for _, name := range limitKinds {
		k := kindNamed(t, name)
		dir := profileDir(t)
		// Nothing can be opened, so the note is a link; a dynamic program cannot
		// be loaded at all.
		if k.cgo() {
			continue
		}
		if got := harmless(t, dir, k, "ulimit -n 3; "); !slices.Equal(got, []string{"covnote map-no-descriptors"}) {
			t.Errorf("%s left %q", name, got)
		}
	}
}

func TestFullDisk(t *testing.T) {
	requireRoot(t)
	for _, size := range []string{"4k", "16k", "24k"} {
		for _, name := range limitKinds {
			k := kindNamed(t, name)
			k.build(t)
			plain.build(t)
			dir := profileDir(t)
			if err := syscall.Mount("covwrap-test", dir, "tmpfs", 0, "mode=1777,size="+size); err != nil {
				t.Skipf("no tmpfs can be mounted here: %v", err)
			}
			t.Cleanup(func() { syscall.Unmount(dir, 0) })
			fill(t, filepath.Join(dir, "filler"))
			got := harmless(t, dir, k, "")
			if wanted := []string{"covnote map-no-space", "covwrap.log", "filler"}; fmt.Sprint(got) != fmt.Sprint(wanted) {
				t.Errorf("%s, %s: left %q, want %q", name, size, got, wanted)
			}
			if err := syscall.Unmount(dir, 0); err != nil {
				t.Errorf("something holds the directory: %v", err)
			}
		}
	}
}

// TestDiskFillsUp: the disk is full after the map was made. Every store of the
// program must still find a page.
func TestDiskFillsUp(t *testing.T) {
	requireRoot(t)
	k := kindNamed(t, "many") // 80 pages of counters, not touched before
	bin := k.build(t)
	dir := profileDir(t)
	if err := syscall.Mount("covwrap-test", dir, "tmpfs", 0, "mode=1777,size=64m"); err != nil {
		t.Skipf("no tmpfs can be mounted here: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, 0) })
	cmd := exec.Command(bin, "fill", "7")
	cmd.Env = append(env(dir), "FILL="+filepath.Join(dir, "filler"))
	got := runCmd(t, dir, cmd)
	if wanted := (result{"exit status 0", "21\nno space left on device\n", ""}); got != wanted {
		t.Errorf("got %+v, want %+v", got, wanted)
	}
	m := one(t, k, dir, "fill", "7")
	want(t, k, m, 14, 2)
	words, err := m.Counters(nil)
	if err != nil {
		t.Fatal(err)
	}
	called := 0
	err = m.VisitFuncs(words, nil, func(pkg, fn uint32, counters []uint32) error {
		if len(counters) == 3 && counters[0] == 1 && counters[1] == 1 && counters[2] == 1 {
			called++
		}
		return nil
	})
	if err != nil || called < k.many {
		t.Errorf("%d functions were called, want %d (%v)", called, k.many, err)
	}
}

func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, n := range []int{4096, 1} {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, n))
		}
	}
}

// TestDirectory: the profile directory cannot be written, is a file, is
// missing, is not absolute, or is not there to be named.
func TestDirectory(t *testing.T) {
	requireRoot(t) // for the mount; and so a plain chmod would not stop us
	k := kindNamed(t, "count")
	k.build(t)
	plain.build(t)

	dir := profileDir(t)
	if err := syscall.Mount("covwrap-test", dir, "tmpfs", syscall.MS_RDONLY, ""); err != nil {
		t.Skipf("no tmpfs can be mounted here: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, 0) })
	if got := harmless(t, dir, k, ""); len(got) != 0 {
		t.Errorf("a read-only directory has %q", got)
	}

	empty := profileDir(t)
	file := filepath.Join(empty, "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{file, filepath.Join(empty, "missing"), filepath.Base(empty), ".", ""} {
		if got := harmless(t, empty, k, "COVWRAP_DIR='"+name+"'; cd '"+root+"'; "); fmt.Sprint(got) != "[file]" {
			t.Errorf("COVWRAP_DIR=%q left %q", name, got)
		}
	}
}
