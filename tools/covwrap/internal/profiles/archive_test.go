package profiles

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/covwrap/covwrap/tools/covwrap/internal/covdata"
)

// made returns an archive of two profiles, as its bytes.
func made(t testing.TB, finish bool) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), ArchiveName)
	s := NewArchive(file, 100, 10)
	for pid, data := range []string{"aaaa", "bbbb"} {
		if _, err := s.Keep(covdata.Hash{}, pid, 0, []byte(data)); err != nil {
			t.Fatal(err)
		}
	}
	if finish {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	} else {
		t.Cleanup(func() { s.Close() })
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

const two = "covcounters.00000000000000000000000000000000"

// Whenever the launcher is killed, what it has written is good.
func TestArchiveUnfinished(t *testing.T) {
	whole := made(t, true)
	open := made(t, false)
	if len(open) != 2*1024 || !bytes.Equal(whole, append(open, make([]byte, 1024)...)) {
		t.Fatalf("%d bytes before the end, %d after", len(open), len(whole))
	}
	for _, c := range []struct {
		n    int
		want map[string]string
		err  string
	}{
		{2048, map[string]string{two + ".0.0": "aaaa", two + ".1.0": "bbbb"}, ""},
		{1540, map[string]string{two + ".0.0": "aaaa", two + ".1.0": "bbbb"}, ""}, // all but the padding
		{1539, map[string]string{two + ".0.0": "aaaa"}, "the archive is cut off"},
		{1030, map[string]string{two + ".0.0": "aaaa"}, "the archive is cut off"}, // in a header
		{1024, map[string]string{two + ".0.0": "aaaa"}, ""},
		{514, map[string]string{}, "the archive is cut off"},
		{0, map[string]string{}, ""},
	} {
		dir := t.TempDir()
		_, err := Unpack(bytes.NewReader(open[:c.n]), dir, 100)
		got, _ := files(t, dir)
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("the first %d bytes have %v, want %v", c.n, got, c.want)
		}
		if (err == nil) != (c.err == "") || err != nil && err.Error() != c.err {
			t.Errorf("the first %d bytes: %v, want %q", c.n, err, c.err)
		}
	}
}

// What stands in the archive's place is not followed.
func TestArchivePlace(t *testing.T) {
	dir := t.TempDir()
	theirs := filepath.Join(dir, "theirs")
	if err := os.WriteFile(theirs, []byte("text"), 0o666); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, ArchiveName)
	if err := os.Symlink(theirs, file); err != nil {
		t.Skip(err)
	}
	s := NewArchive(file, 100, 10)
	if err := s.Meta(covdata.Hash{}, []byte("meta")); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(theirs); string(data) != "text" {
		t.Errorf("the file that a link led to: %q, %v", data, err)
	}
	if info, err := os.Lstat(file); err != nil || !info.Mode().IsRegular() || info.Size() != 2048 {
		t.Errorf("%v, %v", info, err)
	}
}

// Nothing but profiles comes out, nowhere but in the folder, and not too much.
func TestUnpackHostile(t *testing.T) {
	member := func(name string, kind byte, link, data string) []byte {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		if err := w.WriteHeader(&tar.Header{Typeflag: kind, Name: name, Linkname: link, Mode: 0o644, Size: int64(len(data))}); err != nil {
			t.Fatal(err)
		}
		w.Write([]byte(data))
		w.Close()
		return b.Bytes()
	}
	good := "profiles/covmeta.x"
	for name, c := range map[string]struct {
		data []byte
		want string // of the error
	}{
		"up":                {member("profiles/../covmeta.x", tar.TypeReg, "", "x"), ""},
		"deep":              {member("profiles/covmeta./../../x", tar.TypeReg, "", "x"), ""},
		"root":              {member("/profiles/covmeta.x", tar.TypeReg, "", "x"), ""},
		"other":             {member("profiles/x", tar.TypeReg, "", "x"), ""},
		"windows":           {member(`profiles/covmeta.\..\x`, tar.TypeReg, "", "x"), ""},
		"folder":            {member(good+"/", tar.TypeDir, "", ""), ""},
		"symbolic link":     {member(good, tar.TypeSymlink, "/etc/passwd", ""), ""},
		"link out":          {member(good, tar.TypeLink, "/etc/passwd", ""), `is a link to "/etc/passwd"`},
		"link to nothing":   {member(good, tar.TypeLink, good+"y", ""), "no such file"},
		"link to itself":    {member(good, tar.TypeLink, good, ""), "is a link to"},
		"large":             {member(good, tar.TypeReg, "", strings.Repeat("x", 11)), "more than 10 bytes"},
		"no archive at all": {bytes.Repeat([]byte("SF:x\n"), 400), "the archive is damaged"},
	} {
		dir := t.TempDir()
		n, err := Unpack(bytes.NewReader(c.data), filepath.Join(dir, "to"), 10)
		if n != 0 || (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %d bytes, %v; want %q", name, n, err, c.want)
		}
		filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
			if err != nil || !info.IsDir() {
				t.Errorf("%s: made %s, %v", name, path, err)
			}
			return nil
		})
	}
}

func FuzzUnpack(f *testing.F) {
	whole := made(f, true)
	f.Add(whole)
	f.Add(whole[:1540])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		parent := t.TempDir()
		dir := filepath.Join(parent, "to")
		n, err := Unpack(bytes.NewReader(data), dir, 1<<16)
		if n < 0 || n > 1<<16 {
			t.Errorf("%d bytes, %v", n, err)
		}
		entries, _ := os.ReadDir(parent)
		if len(entries) > 1 || len(entries) == 1 && entries[0].Name() != "to" {
			t.Errorf("outside of the folder: %v", entries)
		}
		inside, _ := os.ReadDir(dir)
		for _, e := range inside {
			if !e.Type().IsRegular() || !strings.HasPrefix(e.Name(), "cov") {
				t.Errorf("unpacked %v", e)
			}
		}
	})
}
