package fetch

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/covwrap/covwrap/tools/covwrap/internal/bep"
	"github.com/covwrap/covwrap/tools/covwrap/internal/cas"
	"github.com/covwrap/covwrap/tools/covwrap/internal/cas/castest"
)

// archive makes a zip of pairs of name and content.
func archive(t *testing.T, pairs ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(pairs); i += 2 {
		w, err := z.Create(pairs[i])
		if err == nil {
			_, err = w.Write([]byte(pairs[i+1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// tree returns the files in a folder with their contents.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		out[filepath.ToSlash(name)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// packed makes an archive of one profile.
func packed(t *testing.T, name, content string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "profiles/" + name, Mode: 0o644, Size: int64(len(content))})
	if err == nil {
		_, err = w.Write([]byte(content))
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// each collects what Each gives: per attempt its files, and its error.
func each(t *testing.T, b *bep.Build, opts Options) (files []map[string]string, errs []error) {
	t.Helper()
	opts.Dir = t.TempDir()
	err := Each(context.Background(), b, opts, func(a Attempt) error {
		if a.Test != &b.Tests[len(files)] {
			t.Errorf("attempt %d is %s", len(files), a.Test)
		}
		files, errs = append(files, tree(t, a.Dir)), append(errs, a.Err)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if left := tree(t, opts.Dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	return files, errs
}

// test makes a test result of pairs of an output's name and URI.
func test(label string, outputs ...string) bep.TestResult {
	t := bep.TestResult{Label: label, Run: 1, Shard: 1, Attempt: 1}
	for i := 0; i < len(outputs); i += 2 {
		t.Outputs = append(t.Outputs, bep.File{Name: outputs[i], URI: outputs[i+1]})
	}
	return t
}

// everything asks for all outputs, of a cache without TLS.
func everything(s *castest.Server) Options {
	return Options{Coverage: true, Profiles: true, Log: true, Remote: cas.Options{RemoteCache: "grpc://" + s.Addr}}
}

func TestEachRemote(t *testing.T) {
	s := castest.Start(t, nil, nil)
	outputs := archive(t, "hello.txt", "not ours", "covwrap/", "", "covwrap/ledger.json", "{}", "covwrap/profiles.tar", string(packed(t, "covmeta.x", "meta")))
	b := &bep.Build{Tests: []bep.TestResult{
		test("//a:one", bep.TestCoverage, s.Put("", []byte("SF:one\n")), bep.TestLog, s.Put("", []byte("log one")), bep.OutputsZip, s.Put("", outputs)),
		test("//a:none"),
		test("//a:empty", bep.TestCoverage, s.Put("", nil), bep.OutputsZip, s.Put("", nil)),
		test("//a:same", bep.TestCoverage, s.Put("", []byte("SF:one\n")), "test.xml", s.Put("", []byte("never fetched"))),
		{Label: "//a:inline", Outputs: []bep.File{{Name: bep.TestLog, Contents: []byte("short")}, {Name: bep.TestCoverage}}},
	}}
	files, errs := each(t, b, everything(s))
	want := []map[string]string{
		{"coverage.dat": "SF:one\n", "test.log": "log one", "test.outputs/covwrap/ledger.json": "{}", "test.outputs/covwrap/profiles/covmeta.x": "meta"},
		{},
		{"coverage.dat": ""},
		{"coverage.dat": "SF:one\n"},
		{"test.log": "short"},
	}
	if !reflect.DeepEqual(files, want) {
		t.Errorf("got  %v\nwant %v", files, want)
	}
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
	if calls := s.Calls(); len(calls) != 1 || calls[0].Method != "BatchReadBlobs" || len(calls[0].Names) != 3 {
		t.Errorf("calls %+v, want one batch of three blobs", calls)
	}
	only := everything(s)
	only.Profiles, only.Log = false, false
	if files, _ := each(t, b, only); !reflect.DeepEqual(files[0], map[string]string{"coverage.dat": "SF:one\n"}) {
		t.Errorf("coverage alone: %v", files[0])
	}
}

// Of a large archive only the parts that hold our members are read.
func TestEachLargeArchive(t *testing.T) {
	noise := make([]byte, 5<<20)
	rand.NewChaCha8([32]byte{}).Read(noise)
	big := archive(t, "video.bin", string(noise), "covwrap/ledger.json", "{}", "more.bin", string(noise))
	s := castest.Start(t, nil, nil)
	var received int64
	opts := everything(s)
	opts.Progress = func(done, total int, bytes int64) { received = bytes }
	files, errs := each(t, &bep.Build{Tests: []bep.TestResult{test("//a:big", bep.OutputsZip, s.Put("", big))}}, opts)
	if want := map[string]string{"test.outputs/covwrap/ledger.json": "{}"}; !reflect.DeepEqual(files[0], want) || errs[0] != nil {
		t.Errorf("got %v, %v", files[0], errs[0])
	}
	if len(s.Calls()) > 3 || received > 1<<20 {
		t.Errorf("%d calls and %d bytes for two bytes out of %d", len(s.Calls()), received, len(big))
	}
}

func TestEachLocal(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "with space")
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, []byte(text), 0o666)); err != nil {
			t.Fatal(err)
		}
		return (&url.URL{Scheme: "file", Path: path}).String()
	}
	lcov := write("coverage.dat", "SF:x\n")
	outputs := write("outputs.zip", string(archive(t, "covwrap/ledger.json", "{1}")))
	write("test.outputs/covwrap/ledger.json", "{2}")
	write("test.outputs/other.txt", "not ours")
	unzipped := (&url.URL{Scheme: "file", Path: filepath.Join(dir, "test.outputs")}).String()
	write("bare/other.txt", "not ours")
	bare := (&url.URL{Scheme: "file", Path: filepath.Join(dir, "bare")}).String()
	b := &bep.Build{Tests: []bep.TestResult{
		test("//a:zipped", bep.TestCoverage, lcov, bep.OutputsZip, outputs),
		test("//a:unzipped", bep.OutputsDir, unzipped),
		test("//a:bare", bep.OutputsDir, bare),
		test("//a:gone", bep.TestCoverage, "file:///no/such/file"),
	}}
	files, errs := each(t, b, Options{Coverage: true, Profiles: true})
	want := []map[string]string{
		{"coverage.dat": "SF:x\n", "test.outputs/covwrap/ledger.json": "{1}"},
		{"test.outputs/covwrap/ledger.json": "{2}"},
		{},
		{},
	}
	if !reflect.DeepEqual(files, want) {
		t.Errorf("got  %v\nwant %v", files, want)
	}
	text := "//a:gone: test.lcov: open /no/such/file: no such file or directory: the build was on another machine, or a later build has replaced it"
	if errs[0] != nil || errs[1] != nil || errs[2] != nil || errs[3] == nil || errs[3].Error() != text {
		t.Errorf("errors %v", errs)
	}
}

// What one output lacks, the others are not made to pay for.
func TestEachErrors(t *testing.T) {
	s := castest.Start(t, nil, nil)
	zero := strings.Repeat("0", 64)
	b := &bep.Build{Tests: []bep.TestResult{
		test("//a:t", bep.TestCoverage, "bytestream://"+s.Addr+"/blobs/"+zero+"/5", bep.TestLog, s.Put("", []byte("log"))),
		test("//a:big", bep.TestCoverage, "bytestream://"+s.Addr+"/blobs/"+zero+"/5000000"),
		test("//a:zip", bep.OutputsZip, s.Put("", []byte("not an archive"))),
		test("//a:escape", bep.OutputsZip, s.Put("", archive(t, "covwrap/../../escape", "x"))),
		test("//a:uri", bep.TestLog, "https://example.com/log"),
		test("//a:folder", bep.OutputsDir, s.Put("", []byte("a Tree message"))),
	}}
	files, errs := each(t, b, everything(s))
	for i, want := range []string{
		fmt.Sprintf("//a:t: test.lcov: blob %s/5 at %s: %v (NOT_FOUND: no %s/5)", zero, s.Addr, cas.ErrNotFound, zero),
		fmt.Sprintf("//a:big: test.lcov: blob %s/5000000 at %s: %v (NOT_FOUND: no blobs/%s/5000000)", zero, s.Addr, cas.ErrNotFound, zero),
		"//a:zip: test.outputs__outputs.zip: the archive of undeclared outputs: zip: not a valid zip file",
		`//a:escape: test.outputs__outputs.zip: the archive of undeclared outputs has a member "covwrap/../../escape"`,
		`//a:uri: test.log: "https://example.com/log" is neither a local file nor in a remote cache`,
		"//a:folder: test.outputs: a folder in the remote cache cannot be read: build with --zip_undeclared_test_outputs",
	} {
		if errs[i] == nil || errs[i].Error() != want {
			t.Errorf("%s: %v\nwant %s", b.Tests[i].Label, errs[i], want)
		}
		if i > 0 && len(files[i]) > 0 {
			t.Errorf("%s: files %v", b.Tests[i].Label, files[i])
		}
	}
	if !reflect.DeepEqual(files[0], map[string]string{"test.log": "log"}) {
		t.Errorf("the other output of //a:t: %v", files[0])
	}
}

// With room for two attempts on disk, two are there at most, and all come.
func TestEachMaxDisk(t *testing.T) {
	var inFlight, most atomic.Int64
	s := castest.Start(t, nil, nil)
	b := new(bep.Build)
	for i := range 30 {
		blob := bytes.Repeat([]byte{byte(i)}, 1<<20)
		b.Tests = append(b.Tests, test(fmt.Sprintf("//a:t%d", i), bep.TestCoverage, s.Put("", blob)))
	}
	opts := everything(s)
	opts.MaxDisk, opts.Dir = 2<<20, t.TempDir()
	n := 0
	err := Each(context.Background(), b, opts, func(a Attempt) error {
		var size int64
		for _, text := range tree(t, opts.Dir) {
			size += int64(len(text))
		}
		inFlight.Store(size)
		most.Store(max(most.Load(), size))
		n++
		return a.Err
	})
	if err != nil || n != 30 {
		t.Errorf("%d attempts, %v", n, err)
	}
	if most.Load() > opts.MaxDisk {
		t.Errorf("%d bytes on disk at a time, %d allowed", most.Load(), opts.MaxDisk)
	}
}

// An error of the function ends it, and so does the end of the context, both
// without leaving anything behind.
func TestEachStops(t *testing.T) {
	hanging := make(chan struct{}, 100)
	s := castest.Start(t, func(n int, c castest.Call) *castest.Fault {
		if n > 1 {
			hanging <- struct{}{}
			return &castest.Fault{Hang: true}
		}
		return nil
	}, nil)
	b := new(bep.Build)
	for i := range 5 {
		b.Tests = append(b.Tests, test("//a:t", bep.TestCoverage, s.Put("", bytes.Repeat([]byte{byte(i)}, 3<<20))))
	}
	opts := everything(s)
	opts.Dir = t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	opts.Jobs = 1
	err := Each(ctx, b, opts, func(a Attempt) error {
		go func() { <-hanging; cancel() }()
		return a.Err
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	stop := errors.New("stop")
	if err := Each(context.Background(), &bep.Build{Tests: []bep.TestResult{test("//a:t")}}, opts, func(Attempt) error { return stop }); err != stop {
		t.Errorf("an error of the function: %v", err)
	}
	entries, err := os.ReadDir(opts.Dir)
	if err != nil || len(entries) > 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// The build itself says whether its cache speaks TLS; a --remote_cache given
// here wins.
func TestRemoteOptions(t *testing.T) {
	s := castest.Start(t, nil, nil)
	b := &bep.Build{Options: []string{"--remote_executor=grpc://" + s.Addr, "--remote_header=x=stolen"},
		Tests: []bep.TestResult{test("//a:t", bep.TestLog, s.Put("", []byte("log")))}}
	files, errs := each(t, b, Options{Log: true})
	if errs[0] != nil || files[0]["test.log"] != "log" {
		t.Errorf("got %v, %v", files, errs)
	}
	if h := s.Calls()[0].Headers.Get("X"); h != "" {
		t.Errorf("a header from the build event file was sent: %q", h)
	}
	got := RemoteOptions(b, cas.Options{RemoteCache: "grpcs://mine"})
	if got.RemoteCache != "grpcs://mine" || got.PlainHosts != nil {
		t.Errorf("got %+v", got)
	}
}

func TestNames(t *testing.T) {
	tests := []bep.TestResult{
		{Label: "//a/b:c", Run: 1, Shard: 1, Attempt: 1},
		{Label: "//:root", Run: 1, Shard: 1, Attempt: 1},
		{Label: "@repo//a:b/c", Run: 1, Shard: 1, Attempt: 1},
		{Label: "@@repo~//a:b", Run: 1, Shard: 1, Attempt: 1},
		{Label: "//../..:../../x", Run: 1, Shard: 1, Attempt: 1},
		{Label: "//a:many", Run: 1, Shard: 1, Attempt: 1},
		{Label: "//a:many", Run: 2, Shard: 2, Attempt: 1},
		{Label: "//a:flaky", Run: 1, Shard: 1, Attempt: 1},
		{Label: "//a:flaky", Run: 1, Shard: 1, Attempt: 2},
		{Label: "//a:cfg", Run: 1, Shard: 1, Attempt: 1, Configuration: "0123456789"},
		{Label: "//a:cfg", Run: 1, Shard: 1, Attempt: 1, Configuration: "../../abc"},
		{Label: "//a/b:c", Run: 1, Shard: 1, Attempt: 1},
	}
	want := []string{"a/b/c", "root", "repo/a/b/c", "repo~/a/b", "x", "a/many/shard_1_run_1", "a/many/shard_2_run_2",
		"a/flaky/attempt_1", "a/flaky/attempt_2", "a/cfg/config_01234567", "a/cfg/config_.._.._ab", "a/b/c/again_2"}
	got := names(tests)
	for i := range got {
		if filepath.ToSlash(got[i]) != want[i] {
			t.Errorf("%s: %q, want %q", &tests[i], got[i], want[i])
		}
	}
}

func FuzzUnzip(f *testing.F) {
	f.Add([]byte{})
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, _ := z.Create("covwrap/ledger.json")
	w.Write([]byte("{}"))
	z.Close()
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		inside := filepath.Join(dir, "a", "b")
		unzip(bytes.NewReader(data), int64(len(data)), inside)
		for name := range tree(t, dir) {
			if !strings.HasPrefix(name, "a/b/covwrap/") {
				t.Errorf("written outside: %q", name)
			}
		}
	})
}
