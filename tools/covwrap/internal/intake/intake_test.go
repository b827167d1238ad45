package intake

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/covwrap/covwrap/tools/covwrap/internal/cas"
	"github.com/covwrap/covwrap/tools/covwrap/internal/cas/castest"
	"github.com/covwrap/covwrap/tools/covwrap/internal/covdata"
	"github.com/covwrap/covwrap/tools/covwrap/internal/fetch"
	"github.com/covwrap/covwrap/tools/covwrap/internal/lcov"
	"github.com/covwrap/covwrap/tools/covwrap/internal/trouble"
)

func TestSniff(t *testing.T) {
	for _, c := range []struct {
		head string
		want kind
	}{
		{"", kindEmpty},
		{" \n\n", kindEmpty},
		{"TN:\nSF:a\n", kindTracefile},
		{"\n# made by x\n  SF:a\n", kindTracefile},
		{"#covwrap spawned=1\n", kindTracefile},
		{"# only a comment\n", kindUnknown},
		{"mode: set\n", kindGoText},
		{"file:a.c\nlcount:1,1\n", kindGcov},
		{"version: 8.1.0\n", kindGcov},
		{"\x1f\x8b\x08", kindGcovJSON},
		{`{"gcc_version": "12", "files": [`, kindGcovJSON},
		{`{"id":{"started":{}},"started":{"uuid":"x","command":"coverage"}}` + "\n", kindEvents},
		{"PK\x03\x04", kindZip},
		{"\x00cvm\x01", kindGoBinary},
		{"\x00cwm\x01", kindGoBinary},
		{"hello\n", kindUnknown},
		{"\x00\x00\x00", kindUnknown},
		{"{}", kindUnknown},
	} {
		if got := sniffBytesOf([]byte(c.head)); got != c.want {
			t.Errorf("%q is of kind %d, want %d", c.head, got, c.want)
		}
	}
}

func FuzzSniff(f *testing.F) {
	f.Add([]byte("TN:\nSF:a"))
	f.Add([]byte("{\"files\""))
	f.Fuzz(func(t *testing.T, head []byte) { sniffBytesOf(head) })
}

// profile returns the two files of a program of one function, main in a.go,
// whose only block ran count times.
func profile(t *testing.T, count uint32) map[string][]byte {
	t.Helper()
	dir := "testdata/gocoverdir"
	files := map[string][]byte{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(e.Name(), "covmeta.") {
			files[e.Name()] = b
			m, err := covdata.DecodeMeta(e.Name(), b)
			if err != nil {
				t.Fatal(err)
			}
			w := covdata.NewCounterWriter(m.Hash, nil)
			for i, p := range m.Packages {
				if p.Name == "main" {
					w.Func(uint32(i), 0, []uint32{count})
				}
			}
			files[fmt.Sprintf("covcounters.%v.1.1", m.Hash)] = w.Bytes()
		}
	}
	return files
}

func put(t *testing.T, dir, name string, text []byte) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o666); err != nil {
		t.Fatal(err)
	}
}

// archive makes what the launcher leaves of a profile.
func archive(t *testing.T, count uint32) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	files := profile(t, count)
	names := slices.Sorted(maps.Keys(files))
	slices.Reverse(names) // as the launcher does, meta-data first
	for _, name := range names {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "profiles/" + name, Mode: 0o644, Size: int64(len(files[name]))}); err != nil {
			t.Fatal(err)
		}
		w.Write(files[name])
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// testlogs makes what Bazel leaves of two tests: one with its undeclared
// outputs as a folder, the other with a zip. Each piece has a count of its own.
func testlogs(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	record := func(count int) []byte { return []byte(fmt.Sprintf("SF:main.go\nDA:10,%d\nend_of_record\n", count)) }
	put(t, dir, "a/t/coverage.dat", record(1))
	put(t, dir, "a/t/baseline_coverage.dat", []byte("SF:never.go\nend_of_record\n"))
	put(t, dir, "a/t/test.log", []byte("SF:log.go\nDA:1,1\nend_of_record\n"))
	put(t, dir, "_coverage/a/t/x.dat", record(1000))
	put(t, dir, "a/t/test.outputs/covwrap/profiles.tar", archive(t, 100))
	put(t, dir, "b/t/shard_1_of_2/coverage.dat", record(10))
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.Create("covwrap/profiles.tar")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(archive(t, 2000)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Create("../covmeta.evil"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	put(t, dir, "b/t/shard_1_of_2/test.outputs/outputs.zip", b.Bytes())
	return dir
}

// TestTestlogs wants each test's coverage once, and from the right place.
func TestTestlogs(t *testing.T) {
	dir := testlogs(t)
	link := filepath.Join(t.TempDir(), "bazel-testlogs")
	if err := os.Symlink(dir, link); err != nil {
		t.Skip(err)
	}
	var log trouble.Log
	c, err := Read([]string{link}, Options{}, &log)
	if err != nil || log.Count() != 0 {
		t.Fatalf("%v; %v", err, log.Findings())
	}
	defer c.Close()
	var b bytes.Buffer
	if _, err := lcov.Write(&b, c.Set, lcov.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	if want := "SF:main.go\nFNF:0\nFNH:0\nDA:10,11\nLH:1\nLF:1\nend_of_record\n"; b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
	if got := c.Set.Unmeasured(); len(got) != 1 || got[0] != "never.go" {
		t.Errorf("not measured: %v", got)
	}

	g, err := Read([]string{link}, Options{Blocks: true}, &log)
	if err != nil {
		t.Fatal(err)
	}
	b.Reset()
	if err := g.Blocks.Write(&b); err != nil {
		t.Fatal(err)
	}
	if want := "example.com/gp/main.go:10.13,12.2 1 2100\n"; !strings.HasSuffix(b.String(), want) {
		t.Errorf("got\n%s\nwant at its end\n%s", b.String(), want)
	}
	if _, err := os.Stat(g.temp); err != nil {
		t.Error(err)
	}
	if err := g.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(g.temp); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", g.temp, err)
	}
}

// TestEvents reads a build event file that names one test on this machine and
// one that is not.
func TestEvents(t *testing.T) {
	dir := testlogs(t)
	events := `{"id":{"started":{}},"started":{"uuid":"x","command":"coverage"}}
{"id":{"testResult":{"label":"//a:t","run":1,"shard":1,"attempt":1}},"testResult":{"status":"PASSED","testActionOutput":[{"name":"test.lcov","uri":"file://DIR/a/t/coverage.dat"}]}}
{"id":{"testResult":{"label":"//r:t","run":1,"shard":1,"attempt":1}},"testResult":{"status":"PASSED","testActionOutput":[{"name":"test.lcov","uri":"bytestream://host/blobs/x/1"}]}}
`
	put(t, dir, "../events.json", []byte(strings.ReplaceAll(events, "DIR", filepath.ToSlash(dir))))
	var log trouble.Log
	c, err := Read([]string{filepath.Join(dir, "../events.json")}, Options{}, &log)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if files := c.Set.Files(); len(files) != 1 || files[0].Lines()[0].Count != 1 {
		t.Errorf("got %v", files)
	}
	slugs := ""
	for _, f := range log.Findings() {
		slugs += f.Slug + " "
	}
	if slugs != "events-truncated remote-output " {
		t.Errorf("found %q: %v", slugs, log.Findings())
	}
}

// TestEventsRemote reads what only a remote cache has: tracefiles, or profiles
// where blocks are wanted, and leaves nothing behind.
func TestEventsRemote(t *testing.T) {
	s := castest.Start(t, nil, nil)
	var outputs bytes.Buffer
	z := zip.NewWriter(&outputs)
	w, err := z.Create("covwrap/profiles.tar")
	if err == nil {
		_, err = w.Write(archive(t, 100))
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	one := s.Put("", []byte("SF:main.go\nDA:10,1\nend_of_record\n"))
	two := s.Put("", []byte("SF:main.go\nDA:10,20\nend_of_record\n"))
	dir := t.TempDir()
	put(t, dir, "events.json", []byte(`{"id":{"started":{}},"started":{}}
{"id":{"testResult":{"label":"//a:t","run":1,"shard":1,"attempt":1}},"testResult":{"testActionOutput":[{"name":"test.lcov","uri":"`+one+`"},{"name":"test.outputs__outputs.zip","uri":"`+s.Put("", outputs.Bytes())+`"}]}}
{"id":{"testResult":{"label":"//b:t","run":1,"shard":1,"attempt":1}},"testResult":{"testActionOutput":[{"name":"test.lcov","uri":"`+two+`"}]}}
{"id":{"testResult":{"label":"//failed:t","run":1,"shard":1,"attempt":1}},"testResult":{"testActionOutput":[{"name":"test.lcov","uri":"`+s.Put("", nil)+`"}]}}
{"id":{},"lastMessage":true}
`))
	opt := Options{Fetch: fetch.Options{Remote: cas.Options{RemoteCache: "grpc://" + s.Addr}}}
	for blocks, want := range map[bool]string{false: "main.go 21", true: "main.go 100"} {
		var log trouble.Log
		opt.Blocks = blocks
		c, err := Read([]string{filepath.Join(dir, "events.json")}, opt, &log)
		if err != nil || log.Count() > 0 {
			t.Fatalf("blocks %v: %v, %v", blocks, err, log.Findings())
		}
		var got string
		if blocks {
			var b bytes.Buffer
			if err := c.Blocks.Write(&b); err != nil {
				t.Fatal(err)
			}
			lines := strings.Fields(b.String())
			got = "main.go " + lines[len(lines)-1]
		} else {
			for _, f := range c.Set.Files() {
				got += fmt.Sprint(f.Name, " ", f.Lines()[0].Count)
			}
		}
		if got != want {
			t.Errorf("blocks %v: %s, want %s", blocks, got, want)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(c.temp); !os.IsNotExist(err) {
			t.Errorf("%s is still there: %v", c.temp, err)
		}
	}
}

// TestFolder reads a folder of everything.
func TestFolder(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "a.info", []byte("SF:main.go\nDA:10,1\nend_of_record\n"))
	put(t, dir, "b/cover.out", []byte("mode: set\nmain.go:10.1,10.9 1 1\n"))
	put(t, dir, "c.gcov", []byte("file:main.go\nlcount:10,5\n"))
	put(t, dir, "d.gcov.json", []byte(`{"files":[{"file":"main.go","lines":[{"line_number":10,"count":7}]}]}`))
	put(t, dir, "package.json", []byte(`{"files":["x"]}`))
	put(t, dir, "other.zip", []byte("PK\x03\x04"))
	for name, data := range profile(t, 100) {
		put(t, dir, "cov/"+name, data)
	}
	var log trouble.Log
	c, err := Read([]string{dir}, Options{Names: func(names []string) map[string]string {
		return map[string]string{"example.com/gp/main.go": "main.go"}
	}}, &log)
	if err != nil || log.Count() != 0 {
		t.Fatalf("%v; %v", err, log.Findings())
	}
	defer c.Close()
	if got := c.Set.File("main.go").Lines()[0].Count; got != 1+1+5+7+100 {
		t.Errorf("line 10 of main.go ran %d times, want 114", got)
	}
	if c.Stats.Files != 5 {
		t.Errorf("%d files, want 5", c.Stats.Files)
	}
	if _, err := Read([]string{t.TempDir()}, Options{}, &log); err == nil || !strings.HasSuffix(err.Error(), ": no coverage was found in this folder") {
		t.Errorf("an empty folder: %v", err)
	}
	for name := range profile(t, 1) {
		if _, err := Read([]string{filepath.Join(dir, "cov", name)}, Options{}, &log); err == nil || !strings.Contains(err.Error(), "name its folder") {
			t.Errorf("%s by itself: %v", name, err)
		}
	}
}

// TestLinks reads a folder of symbolic links, as Bazel makes them.
func TestLinks(t *testing.T) {
	real, dir := t.TempDir(), t.TempDir()
	for name, data := range profile(t, 7) {
		put(t, real, name, data)
		if err := os.Symlink(filepath.Join(real, name), filepath.Join(dir, name)); err != nil {
			t.Skip(err)
		}
	}
	var log trouble.Log
	c, err := Read([]string{dir}, Options{}, &log)
	if err != nil || log.Count() != 0 {
		t.Fatalf("%v; %v", err, log.Findings())
	}
	defer c.Close()
	if got := c.Set.File("example.com/gp/main.go").Lines(); len(got) != 3 || got[0].Count != 7 {
		t.Errorf("the lines of main.go are %v, want three that ran 7 times", got)
	}
}

// TestArchives reads archives of profiles that are named by themselves, whole and
// damaged.
func TestArchives(t *testing.T) {
	whole := archive(t, 5)
	var other bytes.Buffer
	w := tar.NewWriter(&other)
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "x", Mode: 0o644}); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		file, slug string
		data       []byte
		count      uint64
	}{
		"whole":           {"profiles.tar", "", whole, 5},
		"another name":    {"x.bin", "", whole, 5},
		"end is missing":  {"profiles.tar", "", whole[:len(whole)-1024], 5},
		"cut off":         {"profiles.tar", "unreadable ", whole[:600], 0},
		"nothing of ours": {"profiles.tar", "unreadable ", other.Bytes(), 0},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			put(t, dir, c.file, c.data)
			var log trouble.Log
			s, err := Read([]string{filepath.Join(dir, c.file)}, Options{}, &log)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			got := uint64(0)
			if lines := s.Set.File("example.com/gp/main.go").Lines(); len(lines) > 0 {
				got = uint64(lines[0].Count)
			}
			slugs := ""
			for _, f := range log.Findings() {
				slugs += f.Slug + " "
			}
			if got != c.count || slugs != c.slug {
				t.Errorf("count %d, findings %q (%v); want %d, %q", got, slugs, log.Findings(), c.count, c.slug)
			}
		})
	}
}
