package merger

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/covwrap/covwrap/bench/merge/corpus"
	"github.com/covwrap/covwrap/tools/covwrap/internal/cover"
	"github.com/covwrap/covwrap/tools/covwrap/internal/lcov"
	"github.com/covwrap/covwrap/tools/covwrap/internal/trouble"
)

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func tracefile(t *testing.T, set *cover.Set) string {
	t.Helper()
	var b bytes.Buffer
	if _, err := lcov.Write(&b, set, lcov.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestParallel merges files that are larger than a chunk, in different orders
// and with different numbers of workers, and wants the same bytes.
func TestParallel(t *testing.T) {
	paths, _, err := corpus.Spec{Files: 3, Records: 600, Lines: 800, Distinct: 10, Branches: true}.Write(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(paths[0]); err != nil || info.Size() <= chunkSize {
		t.Fatalf("the corpus must be larger than a chunk: %v, %v", info.Size(), err)
	}
	want := ""
	for workers := 1; workers <= 5; workers++ {
		inputs := []Input{{Path: paths[workers%3]}, {Path: paths[(workers+1)%3]}, {Path: paths[(workers+2)%3]}}
		set, log := cover.NewSet(), &trouble.Log{}
		stats := Merge(inputs, set, log, Options{Parallelism: workers})
		if log.Count() != 0 {
			t.Fatalf("%v", log.Findings())
		}
		if set.Len() != 600+3*10-10 || stats.Files != 3 {
			t.Errorf("%d source files from %d files", set.Len(), stats.Files)
		}
		got := tracefile(t, set)
		if want == "" {
			want = got
		}
		if got != want {
			t.Fatalf("%d workers: the result differs", workers)
		}
	}
}

// TestFaultyInputs merges what it can beside inputs that are missing, are
// folders, or hold anything.
func TestFaultyInputs(t *testing.T) {
	dir := t.TempDir()
	good, binary := filepath.Join(dir, "good.dat"), filepath.Join(dir, "binary.dat")
	writeFile(t, good, "SF:a\nDA:1,1\nend_of_record\n")
	writeFile(t, binary, strings.Repeat("\x00\xff\n\x7fELF", 1000))
	inputs := []Input{{Path: good}, {Path: filepath.Join(dir, "gone.dat")}, {Path: dir}, {Path: binary}, {Path: good}}
	set, log := cover.NewSet(), &trouble.Log{}
	stats := Merge(inputs, set, log, Options{Parallelism: 2})
	if got, want := tracefile(t, set), "SF:a\nFNF:0\nFNH:0\nDA:1,2\nLH:1\nLF:1\nend_of_record\n"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if stats.Files != 3 {
		t.Errorf("read %d files, want 3", stats.Files)
	}
	var b bytes.Buffer
	log.Print(&b, "x")
	want := fmt.Sprintf(`x: warning: %[1]s: it is a folder; it was left out [unreadable]
x: warning: %[1]s/binary.dat:1: expected SF:, found "\x00\xff" outside of any record [not-a-record]
x: warning: %[1]s/binary.dat:2: expected SF:, found "\x7fELF\x00\xff" outside of any record [not-a-record]
x: warning: %[1]s/binary.dat:3: expected SF:, found "\x7fELF\x00\xff" outside of any record [not-a-record]
x: warning: %[1]s/binary.dat: 998 more of this kind [not-a-record]
x: warning: %[1]s/gone.dat: no such file or directory; it was left out [unreadable]
`, dir)
	if got := b.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b/x.dat", "a.dat", "a.gcov", "a.gcov.json.gz", "c.profdata", "a.txt", "out.dat", "dat", "d.dat/e"} {
		writeFile(t, filepath.Join(dir, name), "")
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Skip(err)
	}
	var log trouble.Log
	found := Find(link, filepath.Join(dir, "out.dat"), &log)
	want := Found{
		Inputs: []Input{
			{filepath.Join(dir, "a.dat"), Tracefile},
			{filepath.Join(dir, "a.gcov"), GcovText},
			{filepath.Join(dir, "a.gcov.json.gz"), GcovJSON},
			{filepath.Join(dir, "b/x.dat"), Tracefile},
		},
		Profdata: []string{filepath.Join(dir, "c.profdata")},
	}
	if !reflect.DeepEqual(found, want) || log.Count() != 0 {
		t.Errorf("got %v, want %v; %v", found, want, log.Findings())
	}
	if found = Find(filepath.Join(dir, "none"), "", &log); len(found.Inputs) != 0 || log.Count() != 1 {
		t.Errorf("a missing folder: got %v; %v", found, log.Findings())
	}
}

func TestListed(t *testing.T) {
	list := filepath.Join(t.TempDir(), "list")
	writeFile(t, list, "a/coverage.dat\r\n\nb/baseline_coverage.dat")
	got, err := Listed(list)
	if want := []Input{{"a/coverage.dat", Tracefile}, {"b/baseline_coverage.dat", Baseline}}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
}
