package lcov

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/covwrap/covwrap/tools/covwrap/internal/cover"
	"github.com/covwrap/covwrap/tools/covwrap/internal/trouble"
)

// read parses tracefiles into a new set and returns it with the findings, one
// "SLUG@LINE" each ("SLUG" if there is no line), in order.
func read(t *testing.T, opt Options, tracefiles ...string) (*cover.Set, []string) {
	t.Helper()
	set, log := cover.NewSet(), &trouble.Log{}
	p := NewParser(set, log)
	var found []string
	for i, text := range tracefiles {
		opt.Path = fmt.Sprintf("in%d", i)
		if err := p.Parse(strings.NewReader(text), opt); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range log.Findings() {
		line := 1 + strings.Count(tracefiles[f.Path[2]-'0'][:max(f.Offset, 0)], "\n")
		found = append(found, fmt.Sprintf("%s@%s:%d", f.Slug, f.Path, line))
	}
	return set, found
}

// write returns the set as a tracefile.
func write(t *testing.T, set *cover.Set) string {
	t.Helper()
	var b bytes.Buffer
	if _, err := Write(&b, set, WriteOptions{Notes: true}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestMerge(t *testing.T) {
	for _, c := range []struct {
		name  string
		opt   Options
		in    []string
		want  string
		found []string
	}{
		{
			name: "empty",
			in:   []string{""},
		},
		{
			name: "sums, in order of file, name and line",
			in: []string{
				"SF:b.go\nFN:3,f\nFN:9,a\nFNDA:1,f\nFNDA:0,a\nFNF:2\nFNH:1\nDA:3,1\nDA:4,0\nLF:2\nLH:1\nend_of_record\n",
				"SF:b.go\nFN:3,f\nFNDA:2,f\nDA:5,7\nDA:3,2\nend_of_record\nSF:a.go\nDA:1,0\nend_of_record\n",
			},
			want: "SF:a.go\nFNF:0\nFNH:0\nDA:1,0\nLH:0\nLF:1\nend_of_record\n" +
				"SF:b.go\nFN:9,a\nFN:3,f\nFNDA:0,a\nFNDA:3,f\nFNF:2\nFNH:1\nDA:3,3\nDA:4,0\nDA:5,7\nLH:2\nLF:3\nend_of_record\n",
		},
		{
			name: "one file twice in a tracefile, one line twice in a record",
			in:   []string{"SF:a\nDA:1,1\nDA:1,1\nend_of_record\nSF:a\nDA:1,1\nend_of_record\n"},
			want: "SF:a\nFNF:0\nFNH:0\nDA:1,3\nLH:1\nLF:1\nend_of_record\n",
		},
		{
			name: "carriage returns, checksums, no newline at the end",
			in:   []string{"TN:\r\nSF:a\r\nDA:1,1,abc\r\nDA:2,0\r\nend_of_record"},
			want: "SF:a\nFNF:0\nFNH:0\nDA:1,1\nDA:2,0\nLH:1\nLF:2\nend_of_record\n",
		},
		{
			name: "lcov 2: end lines, exception branches, branch expressions, versions",
			in: []string{"TN:\nSF:a\nVER:1\nFN:3,8,f\nFNDA:1,f\nBRDA:4,0,x > 1,1\nBRDA:4,e0,(f(a, b)) == 1,0\nBRDA:4,0,7,-\nBRF:3\nBRH:1\n" +
				"MCDC:4,2,t,1,0,x\nMCF:1\nMCH:1\nDA:3,1\nend_of_record\n"},
			want: "SF:a\nFN:3,f\nFNDA:1,f\nFNF:1\nFNH:1\nBRDA:4,0,7,-\nBRDA:4,0,x > 1,1\nBRDA:4,e0,(f(a; b)) == 1,0\nBRF:3\nBRH:1\nDA:3,1\nLH:1\nLF:1\nend_of_record\n",
		},
		{
			name: "lcov 2.2: functions by index, with an alias",
			in:   []string{"SF:a\nFNL:0,3,8\nFNA:0,4,f<int>\nFNA:0,5,f<long>\nFNL:1,9\nFNA:1,0,g\nDA:3,9\nend_of_record\n"},
			want: "SF:a\nFN:3,f<int>\nFN:3,f<long>\nFN:9,g\nFNDA:4,f<int>\nFNDA:5,f<long>\nFNDA:0,g\nFNF:3\nFNH:2\nDA:3,9\nLH:1\nLF:1\nend_of_record\n",
		},
		{
			name: "function names with commas",
			in:   []string{"SF:a\nFN:3,f(int, char)\nFN:4,9,f(int, long)\nFNDA:1,f(int, char)\nFNDA:0,f(int, long)\nend_of_record\n"},
			want: "SF:a\nFN:3,f(int; char)\nFN:4,f(int; long)\nFNDA:1,f(int; char)\nFNDA:0,f(int; long)\nFNF:2\nFNH:1\nLH:0\nLF:0\nend_of_record\n",
		},
		{
			name: "branches are known by number, not by place",
			in: []string{
				"SF:a\nBRDA:6,0,0,1\nBRDA:6,0,1,-\nend_of_record\n",
				"SF:a\nBRDA:6,0,1,2\nBRDA:6,0,0,-\nBRDA:6,1,0,5\nBRDA:2,0,0,0\nend_of_record\n",
			},
			want: "SF:a\nFNF:0\nFNH:0\nBRDA:2,0,0,0\nBRDA:6,0,0,1\nBRDA:6,0,1,2\nBRDA:6,1,0,5\nBRF:4\nBRH:3\nLH:0\nLF:0\nend_of_record\n",
		},
		{
			name: "BA lines become branches",
			in: []string{
				"SF:a\nBA:4,0\nBA:4,1\nBA:4,2\nBA:5,2\nend_of_record\n",
				"SF:a\nBA:4,1\nBA:4,2\nBA:4,0\nend_of_record\n",
			},
			want: "SF:a\nFNF:0\nFNH:0\nBRDA:4,0,0,0\nBRDA:4,0,1,1\nBRDA:4,0,2,1\nBRDA:5,0,0,1\nBRF:4\nBRH:3\nLH:0\nLF:0\nend_of_record\n",
		},
		{
			name:  "bad lines are named and left out",
			in:    []string{"SF:a\nDA:1\nDA:x,1\nDA:14.0\nDA:1,\nDA:99999999999,1\nFN:1\nFN:,f\nFN:1,\nFNDA:f\nBRDA:1,0,1\nBRDA:1,,0,1\nBA:1,3\nFNA:7,1,f\nDA:2,1\nend_of_record\n"},
			want:  "SF:a\nFNF:0\nFNH:0\nDA:2,1\nLH:1\nLF:1\nend_of_record\n",
			found: []string{"bad-line@in0:2", "bad-line@in0:3", "bad-line@in0:4", "bad-line@in0:1"},
		},
		{
			name:  "unknown lines, lines outside of records, line 0",
			in:    []string{"hello\nSF:a\nWHAT:1\n???\nDA:0,5\nDA:1,1\nend_of_record\nDA:7,1\n"},
			want:  "SF:a\nFNF:0\nFNH:0\nDA:1,1\nLH:1\nLF:1\nend_of_record\n",
			found: []string{"not-a-record@in0:1", "unknown-line@in0:3", "unknown-line@in0:4", "line-zero@in0:5", "not-a-record@in0:8"},
		},
		{
			name:  "counts that are negative or too large",
			in:    []string{"SF:a\nDA:1,-5\nDA:2,99999999999999999999\nDA:3,9223372036854775807\nDA:4,000000000000000000000012\nend_of_record\n"},
			want:  "SF:a\nFNF:0\nFNH:0\nDA:1,0\nDA:2,9223372036854775807\nDA:3,9223372036854775807\nDA:4,12\nLH:3\nLF:4\nend_of_record\n",
			found: []string{"negative-count@in0:2", "count-saturated@in0:3"},
		},
		{
			name:  "a record without an end before the next one",
			in:    []string{"SF:a\nDA:1,1\nSF:b\nDA:2,1\nend_of_record\n"},
			want:  "SF:a\nFNF:0\nFNH:0\nDA:1,1\nLH:1\nLF:1\nend_of_record\nSF:b\nFNF:0\nFNH:0\nDA:2,1\nLH:1\nLF:1\nend_of_record\n",
			found: []string{"unfinished-record@in0:3"},
		},
		{
			name:  "cut off within a line",
			in:    []string{"SF:a\nDA:1,1\nDA:2,10"},
			want:  "SF:a\nFNF:0\nFNH:0\nDA:1,1\nLH:1\nLF:1\nend_of_record\n",
			found: []string{"truncated@in0:3"},
		},
		{
			name:  "cut off between lines",
			in:    []string{"SF:a\nDA:1,1\n"},
			want:  "SF:a\nFNF:0\nFNH:0\nDA:1,1\nLH:1\nLF:1\nend_of_record\n",
			found: []string{"truncated@in0:3"},
		},
		{
			name:  "a file name is missing",
			in:    []string{"SF:\nDA:1,1\nend_of_record\n"},
			found: []string{"bad-line@in0:1", "not-a-record@in0:2"},
		},
		{
			name: "names that compilers in a sandbox write",
			in:   []string{"SF:/proc/self/cwd/a/b.c\nDA:1,1\nend_of_record\nSF:./a/b.c\nDA:1,1\nend_of_record\n"},
			want: "SF:a/b.c\nFNF:0\nFNH:0\nDA:1,2\nLH:1\nLF:1\nend_of_record\n",
		},
		{
			name: "one test's name stays, two do not",
			in: []string{
				"TN:one\nSF:a\nDA:1,1\nend_of_record\nSF:b\nDA:1,1\nend_of_record\n",
				"TN:two,diff\nSF:b\nDA:1,1\nend_of_record\n",
			},
			want: "TN:one\nSF:a\nFNF:0\nFNH:0\nDA:1,1\nLH:1\nLF:1\nend_of_record\nTN:\nSF:b\nFNF:0\nFNH:0\nDA:1,2\nLH:1\nLF:1\nend_of_record\n",
		},
		{
			name: "by test",
			opt:  Options{ByTest: true},
			in: []string{
				"TN:two\nSF:a\nDA:1,1\nend_of_record\nTN:one\nSF:a\nDA:1,1\nend_of_record\n",
				"SF:a\nDA:1,9\nend_of_record\nTN:one\nSF:a\nDA:1,1\nend_of_record\n",
			},
			want: "SF:a\nFNF:0\nFNH:0\nDA:1,9\nLH:1\nLF:1\nend_of_record\n" +
				"TN:one\nSF:a\nFNF:0\nFNH:0\nDA:1,2\nLH:1\nLF:1\nend_of_record\n" +
				"TN:two\nSF:a\nFNF:0\nFNH:0\nDA:1,1\nLH:1\nLF:1\nend_of_record\n",
		},
		{
			name: "records without anything, kept and skipped",
			in:   []string{"SF:a\nend_of_record\n"},
			want: "SF:a\nFNF:0\nFNH:0\nLH:0\nLF:0\nend_of_record\n",
		},
		{
			name: "baseline",
			opt:  Options{SkipEmpty: true},
			in:   []string{"SF:a\nend_of_record\nSF:b\nDA:1,0\nend_of_record\nSF:c\nFNF:0\nLF:0\nend_of_record\n"},
			want: "SF:b\nFNF:0\nFNH:0\nDA:1,0\nLH:0\nLF:1\nend_of_record\n",
		},
		{
			name: "a function with a line only, and one with a count only",
			in:   []string{"SF:a\nFN:1,f\nFNDA:5,g\nDA:1,0\nend_of_record\n"},
			want: "SF:a\nFN:1,f\nFNDA:0,f\nFNF:1\nFNH:0\nDA:1,0\nLH:0\nLF:1\nend_of_record\n",
		},
		{
			name: "the launcher's notes",
			in: []string{
				"#covwrap spawned=3 covered=2 collected=1\n#covwrap missing killed ./b: c\n# other\nSF:a\n#covwrap missing killed ./a\nend_of_record\n",
				"#covwrap collected=1 covered=2 more=4 spawned=3 tests=2\n#covwrap missing exec ./b\n#covwrap future x=-1 y=z\n",
			},
			want: "#covwrap collected=2 covered=4 spawned=6 more=4 tests=3\n#covwrap missing exec ./b\n#covwrap missing killed ./a\n#covwrap missing killed ./b: c\n" +
				"SF:a\nFNF:0\nFNH:0\nLH:0\nLF:0\nend_of_record\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			set, found := read(t, c.opt, c.in...)
			if got := write(t, set); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
			if got, want := strings.Join(found, "\n"), strings.Join(c.found, "\n"); got != want {
				t.Errorf("found\n%s\nwant\n%s", got, want)
			}
			// The order of the inputs makes no difference.
			back := make([]string, len(c.in))
			for i := range c.in {
				back[len(c.in)-1-i] = c.in[i]
			}
			set, _ = read(t, c.opt, back...)
			if got := write(t, set); got != c.want {
				t.Errorf("in reverse order: got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// TestChunks cuts tracefiles into chunks of every size and wants the same
// result as from the whole.
func TestChunks(t *testing.T) {
	for name, text := range map[string]string{
		"plain":     "TN:t\nSF:a\nDA:1,1\nend_of_record\nTN:t\nSF:b\nDA:1,2\nDA:3,4\nend_of_record\nSF:a\nDA:1,1\nend_of_record\n",
		"crlf":      "SF:a\r\nDA:1,1\r\nend_of_record\r\nSF:b\r\nDA:1,2\r\nend_of_record \r\nSF:a\r\nDA:1,1\r\nend_of_record",
		"endless":   "SF:a\nDA:1,1\nDA:2,1\nDA:3,1\nSF:b\nDA:5,1\n",
		"decoys":    "SF:end_of_record\nFN:1,end_of_record\nDA:1,1\nend_of_record\nend_of_record\nend_of_recordx\nSF:b\nDA:1,1\nend_of_record\n",
		"test name": "TN:t\nSF:a\nDA:1,1\nend_of_record\nSF:b\nDA:1,2\nend_of_record\nTN:u\nSF:c\nDA:1,2\nend_of_record\nSF:d\nDA:1,2\nend_of_record\n",
	} {
		set, found := read(t, Options{}, text)
		want, faults := write(t, set), len(found)
		for size := 1; size <= len(text)+1; size++ {
			set, log := cover.NewSet(), &trouble.Log{}
			p := NewParser(set, log)
			for from := 0; from < len(text); from += size {
				to := min(from+size, len(text))
				if err := p.ParseChunk(strings.NewReader(text), int64(from), int64(to), int64(len(text)), Options{Path: "in0"}); err != nil {
					t.Fatal(err)
				}
			}
			if got := write(t, set); got != want {
				t.Fatalf("%s in chunks of %d: got\n%s\nwant\n%s", name, size, got, want)
			}
			if got := len(log.Findings()); got != faults {
				t.Errorf("%s in chunks of %d: %d findings, want %d", name, size, got, faults)
			}
		}
	}
}

// TestShortLines wants the same from a line whether it is parsed as one word,
// which needs bytes that follow, or digit by digit: lines with numbers of every
// length, and with bytes that are next to digits and separators, or differ from
// them in one bit, in every place.
func TestShortLines(t *testing.T) {
	var lines []string
	for _, no := range []string{"1", "10", "12", "345", "6789", "12345", "0", "01", "0012", ""} {
		for _, count := range []string{"0", "3", "10", "45", "128", "9999", "10000", "123456", "007", "", "-1", "1,2"} {
			lines = append(lines, "DA:"+no+","+count)
		}
	}
	for _, line := range []string{"DA:1,2", "DA:12,34", "DA:123,45", "DA:1234,5"} {
		for i := range len(line) {
			for _, c := range []byte("0159,\n\r+-/:;<*(.\v\t\x00\x01\x0e\x1a\x2a\x3a\x80\x8a\xac\xb0\xb9\xff DA") {
				lines = append(lines, line[:i]+string([]byte{c})+line[i+1:])
			}
		}
	}
	for _, known := range []string{"DA:1,0", "DA:12,0", "DA:123,0", "DA:1234,0", "DA:6789,0", "DA:1,9223372036854775807", "DA:123,9223372036854775800"} {
		known = "SF:a\n" + known + "\nend_of_record\n"
		for _, line := range lines {
			text := "SF:a\n" + line + "\nend_of_record"
			slow, slowFound := read(t, Options{}, known, text)
			fast, fastFound := read(t, Options{}, known, text+"\n#"+strings.Repeat("-", 40)+"\n")
			if got, want := write(t, fast), write(t, slow); got != want {
				t.Fatalf("%q after %q: got\n%s\nwant\n%s", line, known, got, want)
			}
			if got, want := fmt.Sprint(fastFound), fmt.Sprint(slowFound); got != want {
				t.Fatalf("%q after %q: found %s, want %s", line, known, got, want)
			}
		}
	}
}

// TestLongLines has lines longer than the parser's buffer.
func TestLongLines(t *testing.T) {
	name := strings.Repeat("x", 1<<20)
	in := "SF:a\nFN:1," + name + "\nFNDA:2," + name + "\nDA:1,2\nend_of_record\n"
	set, found := read(t, Options{}, in, in)
	want := "SF:a\nFN:1," + name + "\nFNDA:4," + name + "\nFNF:1\nFNH:1\nDA:1,4\nLH:1\nLF:1\nend_of_record\n"
	if got := write(t, set); got != want {
		t.Errorf("got %d bytes, want %d", len(got), len(want))
	}
	if len(found) != 0 {
		t.Errorf("found %v", found)
	}
}

// TestTooLongLine has a line that no tool writes: it is skipped, and what
// follows it is read.
func TestTooLongLine(t *testing.T) {
	in := "SF:a\nFN:1," + strings.Repeat("x", maxLine+5) + "\nDA:1,2\nend_of_record\n"
	set, found := read(t, Options{}, in)
	if got, want := write(t, set), "SF:a\nFNF:0\nFNH:0\nDA:1,2\nLH:1\nLF:1\nend_of_record\n"; got != want {
		t.Errorf("got %d bytes:\n%.200s\nwant\n%s", len(got), got, want)
	}
	if want := []string{"line-too-long@in0:2"}; fmt.Sprint(found) != fmt.Sprint(want) {
		t.Errorf("found %v, want %v", found, want)
	}
}

// FuzzParse wants, for any bytes: no panic, a result that reads back as
// itself, and the same result in chunks.
func FuzzParse(f *testing.F) {
	f.Add([]byte("TN:t\nSF:a\nFN:1,2,f\nFNDA:1,f\nBRDA:1,e0,x,1\nBA:1,2\nFNL:1,2\nFNA:1,2,f\nDA:1,1,x\nLF:1\nend_of_record\n#covwrap spawned=1 tests=2\n"), uint16(7))
	f.Add([]byte("SF:a\nDA:2,1\nDA:1,9223372036854775807\nDA:1,1\nend_of_record"), uint16(20))
	f.Add([]byte("SF:a\x00b\nDA:1,-1\r\nSF:b\n#covwrap missing a b\nend_of_record\n"), uint16(9))
	f.Fuzz(func(t *testing.T, data []byte, chunk uint16) {
		parse := func(data []byte) *cover.Set {
			set := cover.NewSet()
			if err := NewParser(set, &trouble.Log{}).Parse(bytes.NewReader(data), Options{}); err != nil {
				t.Fatal(err)
			}
			return set
		}
		first := write(t, parse(data))
		if second := write(t, parse([]byte(first))); first != second {
			t.Errorf("not stable: first\n%q\nthen\n%q", first, second)
		}
		set := cover.NewSet()
		p := NewParser(set, &trouble.Log{})
		size := int(chunk) + 1
		for from := 0; from < len(data); from += size {
			if err := p.ParseChunk(bytes.NewReader(data), int64(from), int64(min(from+size, len(data))), int64(len(data)), Options{}); err != nil {
				t.Fatal(err)
			}
		}
		if got := write(t, set); got != first {
			t.Errorf("in chunks of %d: got\n%q\nwant\n%q", size, got, first)
		}
	})
}
