package bep

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/covwrap/covwrap/tools/covwrap/internal/wire"
)

// blob is how the fixtures' URIs begin.
const blob = "bytestream://127.0.0.1:45111/blobs/"

// fixture is what testdata/tests.bep and tests.json tell: the events of one
// `bazel test` by Bazel 7.7.1 on a remote executor that concern tests, as
// Bazel wrote them.
func fixture() *Build {
	const config = "f79cd6645eb866ab92aaaf333c2be1d9f1e4212f42f69d52165e08f48a1926e2"
	const zip = blob + "d9af2d8f056e080e8fd75afaaea33faf682d113b74bb89f62d35ff4e90832ba9/173"
	const manifest = blob + "38fceb3cee9ba051f7addf650eef5357538d195fc1cb09530093d05a7c5a46db/23"
	outputs := func(log, xml string, undeclared bool) []File {
		out := []File{{Name: TestLog, URI: blob + log}, {Name: TestXML, URI: blob + xml}}
		if undeclared {
			out = append(out, File{Name: OutputsZip, URI: zip}, File{Name: "test.outputs_manifest__MANIFEST", URI: manifest})
		}
		return out
	}
	result := func(label string, shard int, status Status, start string, ms int, files []File) TestResult {
		at, err := time.Parse(time.RFC3339, start)
		if err != nil {
			panic(err)
		}
		return TestResult{Label: label, Configuration: config, Run: 1, Shard: shard, Attempt: 1, Status: status,
			Strategy: "remote", Start: at, Duration: time.Duration(ms) * time.Millisecond, Outputs: files}
	}
	const passXML = "00ccbda1bc1ea96383e5eef14fd46b3cfd7eca781add7238a4d1669798775da8/25"
	const shardLog = "de3babed6fe964e95f2645057ac36e9fba6b47da7af65ee30026ca3728580c9f/163"
	return &Build{
		Complete: true, ExitCode: 3,
		Tests: []TestResult{
			result("//a:shard_test", 2, Passed, "2026-11-25T09:58:45.708Z", 75, outputs(shardLog, passXML, false)),
			result("//a:a_test", 1, Passed, "2026-11-25T09:58:45.846Z", 95,
				outputs("f1924ac38006dd8b9e68bebe0cac6c9f464a846b7b6ab36a959921848cab52e7/159", passXML, true)),
			result("//a:shard_test", 1, Passed, "2026-11-25T09:58:46.139Z", 80, outputs(shardLog, passXML, true)),
			result("//a:fail_test", 1, Failed, "2026-11-25T09:58:46.153Z", 83,
				outputs("6b5cdd7fdac004e17455b88e2cca8a1e3dc342010cb5ed4cf61190c7708a1e9a/208",
					"d6c70bd9cbcf1f1a8ed801151f949fad7cfa73d040dc31550f2533f8c4533093/302", true)),
		},
	}
}

func TestReadFile(t *testing.T) {
	for _, name := range []string{"tests.bep", "tests.json"} {
		got, err := ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		if want := fixture(); !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\ngot  %+v\nwant %+v", name, got, want)
		}
	}
}

// message builds a protobuf message from pairs of field number and value.
func message(pairs ...any) []byte {
	var b []byte
	for i := 0; i < len(pairs); i += 2 {
		num := pairs[i].(int)
		switch v := pairs[i+1].(type) {
		case int:
			b = wire.AppendVarint(b, num, uint64(v))
		case string:
			b = wire.AppendBytes(b, num, v)
		case []byte:
			b = wire.AppendBytes(b, num, v)
		}
	}
	return b
}

// delimited puts each message behind its length.
func delimited(messages ...[]byte) []byte {
	var b []byte
	for _, m := range messages {
		b = append(binary.AppendUvarint(b, uint64(len(m))), m...)
	}
	return b
}

// everything is one build that uses every field that is read, in both forms.
// The numbers come from build_event_stream.proto, not from binary.go, so that
// a wrong one there shows here.
func everything() (binary, json []byte, want *Build) {
	binary = delimited(
		message(1, message(3, ""), 5, message(1, "uuid", 3, "8.1.0", 5, "coverage", 7, "/ws")),
		message(1, message(12, ""), 13, message(1, "--startup", 3, "--a=1", 3, "--a=2", 4, "--explicit")),
		message(1, message(2, message(1, 7)), 3, message(1, "console output")),
		message(1, message(8, message(1, "//p:t", 2, 3, 3, 2, 4, 4, 5, message(1, "cfg"))),
			10, message(2, message(1, "test.log", 2, "file:///x/test.log", 6, 1<<40, 4, "prefix", 5, "digest"),
				2, message(1, "test.lcov", 3, []byte{0xff, 0}),
				4, 1, 5, 3, 9, "ran out of time", 10, message(1, 1700000000, 2, 5000000), 11, message(1, 60, 2, 1),
				7, "a warning", 8, message(2, "linux-sandbox", 3, "host1", 6, 1, 7, 142))),
		message(1, message(8, message(1, "//p:old", 2, 1, 3, 1, 4, 1)), 10, message(3, 1500, 6, 1700000000001, 5, 77)),
		message(1, message(9, ""), 14, message(3, message(1, "TESTS_FAILED", 2, 3))),
		message(1, message(22, ""), 24, "", 20, 1),
	)
	json = []byte(`{"id":{"started":{}},"started":{"uuid":"uuid","buildToolVersion":"8.1.0","command":"coverage","workspaceDirectory":"/ws"}}
{"id":{"optionsParsed":{}},"optionsParsed":{"startupOptions":["--startup"],"cmdLine":["--a=1","--a=2"],"explicitCmdLine":["--explicit"]}}
{"id":{"progress":{"opaqueCount":7}},"progress":{"stdout":"console output"}}
{"id":{"testResult":{"label":"//p:t","run":3,"shard":2,"attempt":4,"configuration":{"id":"cfg"}}},"testResult":{"testActionOutput":[{"name":"test.log","uri":"file:///x/test.log","length":"1099511627776","digest":"digest","pathPrefix":["prefix"]},{"name":"test.lcov","contents":"/wA="}],"cachedLocally":true,"status":"TIMEOUT","statusDetails":"ran out of time","testAttemptStart":"2023-11-14T22:13:20.005Z","testAttemptDuration":"60.000000001s","warning":["a warning"],"executionInfo":{"strategy":"linux-sandbox","hostname":"host1","cachedRemotely":true,"exitCode":142}}}
{"id":{"testResult":{"label":"//p:old","run":1,"shard":1,"attempt":1}},"testResult":{"status":77,"testAttemptDurationMillis":"1500","testAttemptStartMillisEpoch":"1700000000001"}}
{"id":{"buildFinished":{}},"finished":{"exitCode":{"name":"TESTS_FAILED","code":3}}}
{"id":{"buildMetrics":{}},"buildMetrics":{},"lastMessage":true}
`)
	want = &Build{
		Command: "coverage", ToolVersion: "8.1.0", Workspace: "/ws", Options: []string{"--a=1", "--a=2"}, Complete: true, ExitCode: 3,
		Tests: []TestResult{
			{Label: "//p:t", Configuration: "cfg", Run: 3, Shard: 2, Attempt: 4, Status: Timeout, StatusDetails: "ran out of time",
				CachedLocally: true, CachedRemotely: true, Strategy: "linux-sandbox", Host: "host1", ExitCode: 142,
				Start: time.Unix(1700000000, 5000000).UTC(), Duration: time.Minute + 1,
				Outputs: []File{{Name: TestLog, URI: "file:///x/test.log", Length: 1 << 40}, {Name: TestCoverage, Contents: []byte{0xff, 0}}}},
			{Label: "//p:old", Run: 1, Shard: 1, Attempt: 1, Status: 77, Start: time.UnixMilli(1700000000001).UTC(), Duration: 1500 * time.Millisecond},
		},
	}
	return binary, json, want
}

func TestRead(t *testing.T) {
	bin, text, want := everything()
	for name, data := range map[string][]byte{"binary": bin, "json": text} {
		got, err := Read(bytes.NewReader(data))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v\ngot  %+v\nwant %+v", name, err, got, want)
		}
		if !Sniff(data[:sniffLen]) {
			t.Errorf("%s: Sniff does not recognise it", name)
		}
	}
	if v, ok := want.Option("a"); v != "2" || !ok {
		t.Errorf("Option(a) = %q, %v; want the last one, 2", v, ok)
	}
	if _, ok := want.Option("b"); ok {
		t.Error("Option(b) exists")
	}
	if got := want.Tests[0].String(); got != "//p:t (shard 2) (run 3) (attempt 4)" {
		t.Errorf("String() = %q", got)
	}
	if want.Tests[0].Output(TestLog).URI != "file:///x/test.log" || want.Tests[0].Output(TestXML) != nil {
		t.Error("Output finds the wrong file")
	}
	if got := Status(77).String(); got != "STATUS_77" {
		t.Errorf("Status(77) = %q", got)
	}
}

// A file that ends anywhere gives what is whole, and says that it is cut
// unless it is cut between two events.
func TestTruncated(t *testing.T) {
	bin, _, want := everything()
	ends := map[int]int{} // offset between events: tests before it
	for at, tests := 0, 0; at < len(bin); {
		size, n := binary.Uvarint(bin[at:])
		at += n + int(size)
		if at == len(bin) {
			break
		}
		b, err := Read(bytes.NewReader(bin[:at]))
		if err != nil {
			t.Fatalf("cut between events at %d: %v", at, err)
		}
		tests = len(b.Tests)
		ends[at] = tests
		if b.Complete {
			t.Errorf("cut at %d of %d: complete", at, len(bin))
		}
	}
	tests := 0
	for at := 1; at < len(bin); at++ {
		if n, ok := ends[at]; ok {
			tests = n
			continue
		}
		if at < 8 {
			continue // too short to be recognised
		}
		b, err := Read(bytes.NewReader(bin[:at]))
		if !errors.Is(err, ErrTruncated) {
			t.Fatalf("cut at %d: %v, want %v", at, err, ErrTruncated)
		}
		if !reflect.DeepEqual(b.Tests, append([]TestResult(nil), want.Tests[:tests]...)) {
			t.Fatalf("cut at %d: %d tests, want %d", at, len(b.Tests), tests)
		}
	}
	if tests != 2 {
		t.Errorf("the last cut had %d tests before it, want 2", tests)
	}
	_, text, _ := everything()
	if b, err := Read(bytes.NewReader(text[:len(text)-9])); !errors.Is(err, ErrTruncated) || len(b.Tests) != 2 {
		t.Errorf("JSON: %v and %d tests, want %v and 2", err, len(b.Tests), ErrTruncated)
	}
}

func TestDamaged(t *testing.T) {
	started := message(1, message(3, ""), 5, message(5, "test"))
	for name, tc := range map[string]struct {
		data string
		want string
	}{
		"empty":     {"", "the file is empty: did the build start? (Bazel writes it as it goes)"},
		"tracefile": {"TN:\nSF:a.go\nend_of_record\n", "neither --build_event_binary_file nor --build_event_json_file wrote this"},
		"length":    {string(delimited(started)) + "\xff\xff\xff\xff\x7f", "event 2 claims 34359738367 bytes, more than any event has: the file is damaged"},
		"event":     {string(delimited(started, []byte{0x0a, 0x05, 0x01})), "event 2 is damaged: the message is cut short: field 1 is longer than what is left"},
		"no label":  {string(delimited(started, message(1, "", 10, message(5, 1)))), "event 2 is damaged: a test result without a label"},
		"json":      {`{"id":{}}` + "\n" + `{"id":[]}`, "event 2 (byte 19) is damaged: json: cannot unmarshal array into Go struct field jsonEvent.id of type bep.jsonID"},
		"status":    {`{"id":{},"testResult":{"status":"WAT"}}`, `event 1 (byte 39) is damaged: test status "WAT" is unknown`},
		"duration":  {`{"id":{"testResult":{"label":"//a"}},"testResult":{"testAttemptDuration":"1"}}`, `event 1 (byte 78) is damaged: time: missing unit in duration "1"`},
	} {
		_, err := Read(strings.NewReader(tc.data))
		if err == nil || err.Error() != tc.want {
			t.Errorf("%s: got  %v\nwant %v", name, err, tc.want)
		}
	}
	path := filepath.Join(t.TempDir(), "x.bep")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFile(path); err == nil || !strings.HasPrefix(err.Error(), `build event file "`+path+`": the file is empty`) {
		t.Errorf("ReadFile does not name the file: %v", err)
	}
}

// The first byte of a binary file is a length, and may be that of '{'.
func TestSniffAmbiguous(t *testing.T) {
	for pad := range 300 {
		event := delimited(message(1, message(3, ""), 5, message(1, strings.Repeat("i", pad))))
		if looksJSON(event) || !looksBinary(event) {
			t.Errorf("a first event of %d bytes is taken for JSON", len(event))
		}
	}
	for _, text := range []string{`{"id":{}}`, "{\n  \"id\": {}}", "{\t\"started\""} {
		if !looksJSON([]byte(text)) {
			t.Errorf("%q is not taken for JSON", text)
		}
	}
	for _, text := range []string{"", "{", "{}", `{"`, "TN:\n", "mode: set\n", "<?xml version", "\x00\x63\x76\x6d", "PK\x03\x04", "\x7fELF"} {
		if Sniff([]byte(text)) {
			t.Errorf("%q is taken for a build event file", text)
		}
	}
}

func FuzzRead(f *testing.F) {
	bin, text, _ := everything()
	f.Add(bin)
	f.Add(text)
	for _, name := range []string{"tests.bep", "tests.json"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := Read(bytes.NewReader(data))
		if err != nil && (b == nil || errors.Is(err, ErrTruncated)) {
			return
		}
		for _, r := range b.Tests {
			if r.Label == "" {
				t.Error("a test result without a label")
			}
			_ = r.String() + r.Status.String()
		}
	})
}
