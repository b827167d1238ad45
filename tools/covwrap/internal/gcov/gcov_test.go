package gcov

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"strings"
	"testing"

	"github.com/covwrap/covwrap/tools/covwrap/internal/cover"
	"github.com/covwrap/covwrap/tools/covwrap/internal/lcov"
	"github.com/covwrap/covwrap/tools/covwrap/internal/trouble"
)

// asTracefile returns a set as a tracefile, and the findings.
func asTracefile(t *testing.T, set *cover.Set, log *trouble.Log) (string, string) {
	t.Helper()
	var b bytes.Buffer
	if _, err := lcov.Write(&b, set, lcov.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	found := ""
	for _, f := range log.Findings() {
		found += fmt.Sprintf("%s:%d ", f.Slug, f.Line)
	}
	return b.String(), found
}

func TestText(t *testing.T) {
	for _, c := range []struct{ name, in, want, found string }{
		{name: "empty"},
		{
			// Both forms of function and lcount, from gcov 7 and 8.
			name: "gcov's own",
			in: "version: 8.1.0 20180103\ncwd:/home/gcc/testcase\nfile:tmp.cpp\nfunction:7,7,0,_ZN3FooIcEC2Ev\nfunction:8,2,_ZN3FooIiE3incEv\n" +
				"lcount:7,0,1\nlcount:7,1\nlcount:21,1,0\nbranch:21,taken\nbranch:21,nottaken\nbranch:33,notexec\nbranch:33,notexec\nlcount:33,0,1\n" +
				"file:b.h\nlcount:1,5\n",
			want: "SF:b.h\nFNF:0\nFNH:0\nDA:1,5\nLH:1\nLF:1\nend_of_record\n" +
				"SF:tmp.cpp\nFN:7,_ZN3FooIcEC2Ev\nFN:8,_ZN3FooIiE3incEv\nFNDA:0,_ZN3FooIcEC2Ev\nFNDA:2,_ZN3FooIiE3incEv\nFNF:2\nFNH:1\n" +
				"BRDA:21,0,0,1\nBRDA:21,0,1,0\nBRDA:33,0,0,-\nBRDA:33,0,1,-\nBRF:4\nBRH:1\nDA:7,1\nDA:21,1\nDA:33,0\nLH:2\nLF:3\nend_of_record\n",
		},
		{
			name: "the same file again",
			in:   "file:a\nlcount:1,1\nbranch:1,taken\nbranch:1,notexec\nfile:b\nfile:a\nlcount:1,1\nbranch:1,taken\nbranch:1,taken\n",
			want: "SF:a\nFNF:0\nFNH:0\nBRDA:1,0,0,2\nBRDA:1,0,1,1\nBRF:2\nBRH:2\nDA:1,2\nLH:1\nLF:1\nend_of_record\nSF:b\nFNF:0\nFNH:0\nLH:0\nLF:0\nend_of_record\n",
		},
		{
			name: "names with commas",
			in:   "file:a\nfunction:7,9,3,f(int, char)\nfunction:8,3,g(int, char)\n",
			want: "SF:a\nFN:7,f(int; char)\nFN:8,g(int; char)\nFNDA:3,f(int; char)\nFNDA:3,g(int; char)\nFNF:2\nFNH:2\nLH:0\nLF:0\nend_of_record\n",
		},
		{
			name:  "faults",
			in:    "lcount:1,1\nInvalid gcov file\nfile:\nfile:a\nlcount:1\nlcount:x,1\nbranch:1,maybe\nlcount:0,1\nlcount:2,-7\nlcount:3,99999999999999999999\nlcount:4,1\n",
			want:  "SF:a\nFNF:0\nFNH:0\nDA:2,0\nDA:3,9223372036854775807\nDA:4,1\nLH:2\nLF:3\nend_of_record\n",
			found: "not-a-record:1 bad-line:2 bad-line:3 bad-line:5 bad-line:0 ",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			set, log := cover.NewSet(), &trouble.Log{}
			if err := ParseText(strings.NewReader(c.in), "in", set, log); err != nil {
				t.Fatal(err)
			}
			got, found := asTracefile(t, set, log)
			if got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
			if found != c.found {
				t.Errorf("found %q, want %q", found, c.found)
			}
		})
	}
}

const report = `{"format_version": "1", "gcc_version": "12.2.0", "files": [
 {"file": "a.cc", "functions": [
   {"name": "_Z1fii", "demangled_name": "f(int, int)", "start_line": 3, "end_line": 9, "execution_count": 4},
   {"name": "", "start_line": 3, "execution_count": 4}],
  "lines": [
   {"line_number": 3, "count": 4, "branches": []},
   {"line_number": 4, "count": 4, "branches": [{"count": 1, "throw": false}, {"count": 0}]},
   {"line_number": 5, "count": 0, "branches": [{"count": 0}, {"count": 0}]},
   {"line_number": 0, "count": 1, "branches": []},
   {"line_number": 6, "count": -3, "branches": [], "later": {"x": [1]}}]},
 {"file": "b.h", "lines": [{"line_number": 1, "count": 1e3}]}], "data_file": "x.gcda"}`

const reportLCOV = "SF:a.cc\nFN:3,_Z1fii\nFNDA:4,_Z1fii\nFNF:1\nFNH:1\nBRDA:4,0,0,1\nBRDA:4,0,1,0\nBRDA:5,0,0,-\nBRDA:5,0,1,-\nBRF:4\nBRH:1\n" +
	"DA:3,4\nDA:4,4\nDA:5,0\nDA:6,0\nLH:2\nLF:4\nend_of_record\nSF:b.h\nFNF:0\nFNH:0\nDA:1,1000\nLH:1\nLF:1\nend_of_record\n"

func zip(t *testing.T, s string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(s)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestJSON(t *testing.T) {
	for _, c := range []struct{ name, in, want, found string }{
		{name: "plain", in: report, want: reportLCOV},
		{name: "zipped", in: zip(t, report), want: reportLCOV},
		{name: "cut off", in: report[:strings.Index(report, "{\"file\": \"b.h\"")+30], want: reportLCOV[:strings.Index(reportLCOV, "SF:b.h")], found: "bad-json:0 "},
		{name: "a version to come", in: `{"format_version":"3","files":[{"file":"a"}]}`, want: "SF:a\nFNF:0\nFNH:0\nLH:0\nLF:0\nend_of_record\n", found: "gcov-version:0 "},
		{name: "empty", found: "bad-json:0 "},
		{name: "no JSON", in: "hello", found: "bad-json:0 "},
		{name: "other JSON", in: "[1]", found: "bad-json:0 "},
		{name: "files is no list", in: `{"files":{}}`, found: "bad-json:0 "},
		{name: "a count is no number", in: `{"files":[{"file":"a","lines":[{"line_number":1,"count":"x"}]}]}`, found: "bad-json:0 "},
		{name: "half a zip", in: zip(t, report)[:40], found: "bad-json:0 "},
		{name: "no zip", in: "\x1f\x8bhello", found: "bad-json:0 "},
	} {
		t.Run(c.name, func(t *testing.T) {
			set, log := cover.NewSet(), &trouble.Log{}
			if err := ParseJSON(strings.NewReader(c.in), "in", set, log); err != nil {
				t.Fatal(err)
			}
			got, found := asTracefile(t, set, log)
			if got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
			if found != c.found {
				t.Errorf("found %q, want %q", found, c.found)
			}
		})
	}
}

// readBack wants what was parsed to be a tracefile that reads back as itself.
func readBack(t *testing.T, set *cover.Set) {
	first, _ := asTracefile(t, set, &trouble.Log{})
	again := cover.NewSet()
	if err := lcov.NewParser(again, &trouble.Log{}).Parse(strings.NewReader(first), lcov.Options{}); err != nil {
		t.Fatal(err)
	}
	if second, _ := asTracefile(t, again, &trouble.Log{}); first != second {
		t.Errorf("wrote\n%q\nread back\n%q", first, second)
	}
}

func FuzzText(f *testing.F) {
	f.Add([]byte("file:a\nfunction:7,7,0,f\nlcount:7,1,0\nbranch:7,taken\nbranch:7,notexec\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		set := cover.NewSet()
		if err := ParseText(bytes.NewReader(data), "in", set, &trouble.Log{}); err != nil {
			t.Fatal(err)
		}
		readBack(t, set)
	})
}

func FuzzJSON(f *testing.F) {
	f.Add([]byte(report))
	f.Fuzz(func(t *testing.T, data []byte) {
		set := cover.NewSet()
		if err := ParseJSON(bytes.NewReader(data), "in", set, &trouble.Log{}); err != nil {
			t.Fatal(err)
		}
		readBack(t, set)
	})
}
