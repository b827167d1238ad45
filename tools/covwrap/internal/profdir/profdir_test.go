package profdir

import (
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/covwrap/covwrap/tools/covwrap/internal/covdata"
)

const h = "00112233445566778899aabbccddeeff"

func TestParse(t *testing.T) {
	hash, err := covdata.ParseHash(h)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []Entry{
		{Name: "covmap.12.345", Kind: Map, PID: 12, Nanos: 345},
		{Name: "covmeta." + h, Kind: Meta, Hash: hash},
		{Name: "covsrc." + h, Kind: Sources, Hash: hash},
		{Name: "covcounters." + h + ".7.8", Kind: Counters, PID: 7, Nanos: 8, Hash: hash},
		{Name: "covnote.1.2.no-space", Kind: Note, PID: 1, Nanos: 2, Slug: "no-space"},
		{Name: "covwrap.log", Kind: Log},
		{Name: "discard", Kind: Discard},
		{Name: "covagg.1.2.3", Kind: Aggregate},
		{Name: "covmark.00000000000000000012", Kind: Mark},
		{Name: "covsnap.1.2.00000000000000000012", Kind: Mark},
		{Name: "covpart.1.2.00000000000000000012", Kind: Mark},
		{Name: "aggregate"},
		{Name: "tmp.covmeta." + h + "123", Kind: Torn},
		{Name: "tmp.covcounters." + h + ".7.8", Kind: Torn, PID: 7},
		{Name: "covmap.12"},
		{Name: "covmap.-1.2"},
		{Name: "covmap.99999999999.2"},
		{Name: "covmap.1.2.3"},
		{Name: "covmeta." + strings.ToUpper(h)},
		{Name: "covcounters.xx.1.2"},
		{Name: "notes.txt"},
		{Name: ""},
	} {
		got := Parse(want.Name)
		if got.Kind == Other {
			got = Entry{Name: got.Name}
		}
		if got != want {
			t.Errorf("Parse(%q) = %+v, want %+v", want.Name, got, want)
		}
	}
}

func TestList(t *testing.T) {
	dir := t.TempDir()
	var want []string
	for i := 0; i < 1500; i++ { // more than one read of the folder returns
		n := "covmap." + strings.Repeat("1", 1+i%9) + "." + strings.Repeat("2", 1+i/9%18) + strings.Repeat("3", i%2)
		if os.WriteFile(filepath.Join(dir, n), nil, 0o666) == nil {
			want = append(want, n)
		}
	}
	sort.Strings(want)
	want = uniq(want)
	var got []string
	if err := List(dir, func(e Entry) { got = append(got, e.Name) }); err != nil {
		t.Fatal(err)
	}
	sort.Strings(got)
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("List returned %d names, want %d", len(got), len(want))
	}
	if err := List(filepath.Join(dir, "none"), nil); !os.IsNotExist(err) {
		t.Errorf("List of a folder that is not there: %v", err)
	}
}

func TestListReplaced(t *testing.T) {
	dir := t.TempDir()
	link, file := filepath.Join(dir, "link"), filepath.Join(dir, "file")
	if err := os.Symlink(dir, link); err != nil {
		t.Skip(err)
	}
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{link: link + ": not a folder but a symbolic link", file: file + ": not a folder but a file"} {
		if err := List(path, func(Entry) { t.Errorf("%s: visited", path) }); err == nil || err.Error() != want {
			t.Errorf("List(%s): %v, want %s", path, err, want)
		}
	}
}

func uniq(s []string) (out []string) {
	for _, v := range s {
		if len(out) == 0 || out[len(out)-1] != v {
			out = append(out, v)
		}
	}
	return out
}

func FuzzParse(f *testing.F) {
	f.Add("covmap.12.345")
	f.Add("covcounters." + h + ".7.8")
	f.Fuzz(func(t *testing.T, name string) {
		if e := Parse(name); e.Name != name || e.PID < 0 || e.Nanos < 0 {
			t.Errorf("Parse(%q) = %+v", name, e)
		}
	})
}
