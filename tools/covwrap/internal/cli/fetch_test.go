package cli

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/covwrap/covwrap/tools/covwrap/internal/cas"
	"github.com/covwrap/covwrap/tools/covwrap/internal/cas/castest"
)

// fetchEvents writes a build event file of three attempts: one complete, its
// second one without its log, and a target whose folder holds the first's.
func fetchEvents(t *testing.T, s *castest.Server) string {
	t.Helper()
	var outputs bytes.Buffer
	z := zip.NewWriter(&outputs)
	w, err := z.Create("covwrap/ledger.json")
	if err == nil {
		_, err = w.Write([]byte("{}"))
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	events := fmt.Sprintf(`{"id":{"started":{}},"started":{"command":"coverage"}}
{"id":{"testResult":{"label":"//a:b","run":1,"shard":1,"attempt":1}},"testResult":{"testActionOutput":[{"name":"test.lcov","uri":%q},{"name":"test.outputs__outputs.zip","uri":%q},{"name":"test.log","uri":%q}]}}
{"id":{"testResult":{"label":"//a:b","run":1,"shard":1,"attempt":2}},"testResult":{"testActionOutput":[{"name":"test.log","uri":"bytestream://%s/blobs/%s/3"}]}}
{"id":{"testResult":{"label":"//a/b:c","run":1,"shard":1,"attempt":1}},"testResult":{"testActionOutput":[{"name":"test.log","uri":%q}]}}
{"id":{},"lastMessage":true}
`, s.Put("", []byte("SF:x\n")), s.Put("", outputs.Bytes()), s.Put("", []byte("log")), s.Addr, strings.Repeat("0", 64), s.Put("", []byte("other")))
	path := filepath.Join(t.TempDir(), "events.json")
	if err := os.WriteFile(path, []byte(events), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// run runs a command and returns its status and what it said.
func runFetch(args ...string) (status int, out, errs string) {
	var o, e strings.Builder
	status = Fetch(args, Stdio{Out: &o, Err: &e})
	return status, o.String(), e.String()
}

func TestFetch(t *testing.T) {
	s := castest.Start(t, nil, nil)
	events := fetchEvents(t, s)
	dir := filepath.Join(t.TempDir(), "new", "out")
	remote := "--remote_cache=grpc://" + s.Addr
	status, out, errs := runFetch("-o", dir, remote, events)
	if status != exitOK || out != "" || errs != "" {
		t.Fatalf("status %d, %q, %q", status, out, errs)
	}
	got := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			data, _ := os.ReadFile(path)
			name, _ := filepath.Rel(dir, path)
			got[filepath.ToSlash(name)] = string(data)
		}
		return err
	})
	want := map[string]string{"a/b/attempt_1/coverage.dat": "SF:x\n", "a/b/attempt_1/test.outputs/covwrap/ledger.json": "{}"}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}

	// One log is gone: it is named, the others come.
	logs := filepath.Join(t.TempDir(), "logs")
	status, _, errs = runFetch("-o", logs, "--what=log", remote, events)
	said := fmt.Sprintf("covwrap fetch: //a:b (attempt 2): test.log: blob %s/3 at %s: %v (NOT_FOUND: no %[1]s/3) (slug remote-output)\n"+
		"covwrap fetch: 1 tests are not complete\n", strings.Repeat("0", 64), s.Addr, cas.ErrNotFound)
	if status != exitFailure || errs != said {
		t.Errorf("status %d, %q\nwant %d, %q", status, errs, exitFailure, said)
	}
	for name, want := range map[string]string{"a/b/attempt_1/test.log": "log", "a/b/c/test.log": "other"} {
		if got, err := os.ReadFile(filepath.Join(logs, name)); string(got) != want {
			t.Errorf("%s: %q, %v; want %q", name, got, err, want)
		}
	}
}

func TestFetchMisuse(t *testing.T) {
	events := filepath.Join(t.TempDir(), "events")
	if err := os.WriteFile(events, []byte("TN:\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	there := t.TempDir()
	for _, tc := range []struct {
		args   []string
		status int
		err    string
	}{
		{nil, exitUsage, `covwrap fetch: one build event file is needed; "covwrap fetch -h" explains the command`},
		{[]string{"x"}, exitUsage, `covwrap fetch: -o FOLDER is missing; "covwrap fetch -h" explains the command`},
		{[]string{"--what=all", "-o", "d", "x"}, exitUsage, `covwrap fetch: --what="all": "all" is none of coverage, profiles, log; "covwrap fetch -h" explains the command`},
		{[]string{"-o", filepath.Join(there, "d"), events}, exitFailure,
			fmt.Sprintf("covwrap fetch: build event file %q: neither --build_event_binary_file nor --build_event_json_file wrote this", events)},
		{[]string{"-o", filepath.Join(there, "d"), "/no/such"}, exitFailure, "covwrap fetch: build event file: open /no/such: no such file or directory"},
	} {
		status, _, errs := runFetch(tc.args...)
		if status != tc.status || errs != tc.err+"\n" {
			t.Errorf("%q: %d, %q\nwant %d, %q", tc.args, status, errs, tc.status, tc.err)
		}
	}
	s := castest.Start(t, nil, nil)
	events = fetchEvents(t, s)
	for _, tc := range []struct{ flag, err string }{
		{"--remote_header=k=v", "--remote_header and --credential_helper need --remote_cache, so that secrets go to no host but yours"},
		{"--remote_cache=http://x", "--remote_cache=http://x: http:// is not supported, only grpc:// and grpcs://; have the build download its test outputs instead (--remote_download_outputs=all)"},
		{"--credential_helper=no-such-helper-1", `--credential_helper=no-such-helper-1: exec: "no-such-helper-1": executable file not found in $PATH`},
	} {
		dir := filepath.Join(there, "new")
		status, _, errs := runFetch("-o", dir, tc.flag, events)
		if status != exitFailure || errs != "covwrap fetch: "+tc.err+"\n" {
			t.Errorf("%s: %d, %q", tc.flag, status, errs)
		}
		if _, err := os.Stat(dir); !os.IsNotExist(err) {
			t.Errorf("%s: an empty folder is left behind", tc.flag)
		}
	}
	status, _, errs := runFetch("-o", there, events)
	if want := fmt.Sprintf("covwrap fetch: mkdir %s: file exists\n", there); status != exitFailure || errs != want {
		t.Errorf("an existing folder: %d, %q, want %q", status, errs, want)
	}
	if status, out, _ := runFetch("-h"); status != exitOK || !strings.HasPrefix(out, "Usage: covwrap fetch") {
		t.Errorf("-h: %d, %q", status, out)
	}
}
