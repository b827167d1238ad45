package profiles

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/covwrap/covwrap/tools/covwrap/internal/covdata"
)

// files returns the content of every file by name, and how many there are on
// disk, linked ones once.
func files(t *testing.T, dir string) (map[string]string, int) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	content := map[string]string{}
	var distinct []os.FileInfo
next:
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		content[e.Name()] = string(data)
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range distinct {
			if os.SameFile(d, info) {
				continue next
			}
		}
		distinct = append(distinct, info)
	}
	return content, len(distinct)
}

// both runs a test with a store of either kind. unpacked returns the folder of
// what is in it.
func both(t *testing.T, test func(t *testing.T, open func(bytes int64, files int) *Store, unpacked func() string)) {
	t.Run("folder", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "profiles")
		test(t, func(bytes int64, files int) *Store { return New(dir, bytes, files) }, func() string { return dir })
	})
	t.Run("archive", func(t *testing.T) {
		dir := t.TempDir()
		file := filepath.Join(dir, "new", ArchiveName)
		test(t, func(bytes int64, files int) *Store {
			s := NewArchive(file, bytes, files)
			t.Cleanup(func() { s.Close() })
			return s
		}, func() string {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			to := t.TempDir()
			if _, err := Unpack(bytes.NewReader(data), to, 1<<20); err != nil {
				t.Fatal(err)
			}
			// tar itself reads it the same.
			out := t.TempDir()
			if text, err := exec.Command("tar", "-xf", file, "-C", out).CombinedOutput(); errors.Is(err, exec.ErrNotFound) {
				t.Log("no tar here")
			} else if err != nil {
				t.Fatalf("tar: %v, %s", err, text)
			} else {
				ours, distinct := files(t, to)
				theirs, links := files(t, filepath.Join(out, "profiles"))
				if !reflect.DeepEqual(ours, theirs) || distinct != links {
					t.Errorf("unpacked %v (%d), tar has %v (%d)", ours, distinct, theirs, links)
				}
			}
			return to
		})
	})
}

func TestStore(t *testing.T) { both(t, testStore) }

func testStore(t *testing.T, open func(bytes int64, files int) *Store, unpacked func() string) {
	h := covdata.Hash{15: 1}
	const hex = "00000000000000000000000000000001"
	s := open(10, 4)
	if err := s.Meta(h, []byte("meta")); err != nil {
		t.Fatal(err)
	}
	type result struct {
		name string
		full bool
	}
	var got []result
	for i, data := range []string{"aaaa", "bbbb", "aaaa", "cccc", "aaaa", "aaaa"} {
		name, err := s.Keep(h, 10+i, int64(i), []byte(data))
		if err != nil && !errors.Is(err, ErrFull) {
			t.Fatal(err)
		}
		got = append(got, result{name, err != nil})
	}
	name := "covcounters." + hex
	want := []result{
		{name + ".10.0", false},
		{name + ".11.1", false},
		{name + ".12.2", false}, // linked: costs a file but no bytes
		{"", true},              // no bytes left
		{name + ".14.4", false},
		{"", true}, // no files left
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("Keep: %v, want %v", got, want)
	}
	if s.HasRoom(h, 15, 5) {
		t.Error("a full store says that it has room")
	}
	if err := s.Rest(h, []byte("rest")); err != nil {
		t.Fatal(err)
	}
	content, distinct := files(t, unpacked())
	wantContent := map[string]string{
		"covmeta." + hex: "meta", name + ".10.0": "aaaa", name + ".11.1": "bbbb", name + ".12.2": "aaaa", name + ".14.4": "aaaa", name + ".0.0": "rest",
	}
	if !reflect.DeepEqual(content, wantContent) {
		t.Errorf("files %v, want %v", content, wantContent)
	}
	if distinct != 4 {
		t.Errorf("%d files on disk, want 4: equal ones are links", distinct)
	}
}

// TestStoreAgain: a process that is kept a second time has one file, which needs
// no further room and no other file changes with.
func TestStoreAgain(t *testing.T) { both(t, testStoreAgain) }

func testStoreAgain(t *testing.T, open func(bytes int64, files int) *Store, unpacked func() string) {
	h := covdata.Hash{15: 1}
	const name = "covcounters.00000000000000000000000000000001"
	s := open(8, 3)
	for _, step := range []struct {
		pid  int
		data string
	}{
		{10, "aaaa"}, {11, "aaaa"}, // a link
		{10, "bbbb"}, // the first of the two
		{12, "aaaa"}, // no longer what the first one has
		{10, "bbbb"}, // nothing new
		{11, "aacc"}, // the second
	} {
		if !s.HasRoom(h, step.pid, 0) {
			t.Errorf("no room for %d, %q", step.pid, step.data)
		}
		if _, err := s.Keep(h, step.pid, 0, []byte(step.data)); err != nil {
			t.Errorf("Keep %d, %q: %v", step.pid, step.data, err)
		}
	}
	if _, err := s.Keep(h, 13, 0, []byte("bbbb")); !errors.Is(err, ErrFull) || s.HasRoom(h, 13, 0) {
		t.Errorf("a fourth file: %v", err)
	}
	content, _ := files(t, unpacked())
	if want := map[string]string{name + ".10.0": "bbbb", name + ".11.0": "aacc", name + ".12.0": "aaaa"}; !reflect.DeepEqual(content, want) {
		t.Errorf("files %v, want %v", content, want)
	}
}

func TestStoreCannotWrite(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	s := New(filepath.Join(file, "profiles"), 10, 4)
	if _, err := s.Keep(covdata.Hash{}, 1, 1, []byte("x")); err == nil || !strings.Contains(err.Error(), "not a directory") {
		t.Errorf("Keep below a file: %v", err)
	}
}

// What a profile says of a command line is rewritten, and nothing else is.
func TestStoreArgs(t *testing.T) {
	s := New(t.TempDir(), 1, 1)
	args := map[string]string{"argc": "2", "argv0": "/sandbox/7/srv", "argv1": "-x", "GOOS": "linux"}
	if got := s.Args(args); !reflect.DeepEqual(got, args) {
		t.Errorf("without Text: %v", got)
	}
	s.Text = func(in string) string { return strings.ReplaceAll(in, "/sandbox/7", "$TEST_SRCDIR") }
	want := map[string]string{"argc": "2", "argv0": "$TEST_SRCDIR/srv", "argv1": "-x", "GOOS": "linux"}
	if got := s.Args(args); !reflect.DeepEqual(got, want) || args["argv0"] != "/sandbox/7/srv" {
		t.Errorf("got %v, want %v; given %v", got, want, args)
	}
}
