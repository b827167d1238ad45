package bazelcmd

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/covwrap/covwrap/tools/covwrap/internal/filetest"
)

// call runs a command and returns what it wrote.
func call(t *testing.T, command func([]string, io.Writer, io.Writer) int, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	status = command(args, &out, &err)
	return status, out.String(), err.String()
}

// TestLcovMerger passes the flags that collect_coverage.sh passes, and others.
func TestLcovMerger(t *testing.T) {
	t.Setenv("VERBOSE_COVERAGE", "")
	const in = "#covwrap spawned=1 covered=1 collected=1\nSF:a.go\nDA:1,1\nend_of_record\nSF:/usr/include/x.h\nDA:1,1\nend_of_record\nSF:b.go\nDA:1,1\nend_of_record\n"
	const out = "#covwrap collected=1 covered=1 spawned=1 tests=1\nSF:a.go\nFNF:0\nFNH:0\nDA:1,1\nLH:1\nLF:1\nend_of_record\n"
	for _, c := range []struct {
		name   string
		args   string
		status int
		stderr string
		out    string // "" if there must not be any
	}{
		{
			name: "as Bazel calls it",
			args: "--coverage_dir=cov --output_file=out.dat --filter_sources=/usr/bin/.+ --filter_sources=/usr/include.+ --source_file_manifest=manifest --sources_to_replace_file=replace",
			out:  out,
		},
		{name: "values as arguments of their own", args: "--coverage_dir cov --output_file out.dat --source_file_manifest manifest --parse_parallelism 1", out: out},
		{
			name:   "unknown flags",
			args:   "--coverage_dir=cov --future=1 --output_file=out.dat --source_file_manifest=manifest --more",
			stderr: "covwrap lcov-merger: warning: \"--future=1\" is no flag that this version knows; ignored [unknown-flag]\ncovwrap lcov-merger: warning: \"--more\" is no flag that this version knows; ignored [unknown-flag]\n",
			out:    out,
		},
		{name: "nothing to merge", args: "--output_file=out.dat", status: 1, stderr: "covwrap lcov-merger: neither --coverage_dir nor --reports_file says what to merge\n"},
		{name: "nowhere to write", args: "--coverage_dir=cov", status: 1, stderr: "covwrap lcov-merger: --output_file is missing: where should the merged tracefile go?\n"},
		{name: "a flag without its value", args: "--coverage_dir=cov --output_file", status: 1, stderr: "covwrap lcov-merger: --output_file needs a value\n"},
		{name: "a number that is none", args: "--coverage_dir=cov --output_file=out.dat --parse_parallelism=0", status: 1, stderr: "covwrap lcov-merger: --parse_parallelism=0: expected a number from 1 to 1024\n"},
		{
			name:   "faults",
			args:   "--reports_file=list --output_file=out.dat --source_file_manifest=manifest",
			stderr: "covwrap lcov-merger: warning: bad.dat:1: expected SF:, found \"bad\" outside of any record [not-a-record]\n",
			out:    out,
		},
		{
			name:   "faults, strictly",
			args:   "--reports_file=list --output_file=out.dat --source_file_manifest=manifest --strict",
			status: 1,
			stderr: "covwrap lcov-merger: warning: bad.dat:1: expected SF:, found \"bad\" outside of any record [not-a-record]\n" +
				"covwrap lcov-merger: --strict was given, and faults were found: 1, in 1 of the files\n",
			out: out,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			filetest.In(t, map[string]string{"cov/a.dat": in, "manifest": "a.go\na.gcno\n", "replace": "x:y\n", "list": "cov/a.dat\nbad.dat\n", "bad.dat": "bad\n"})
			status, stdout, stderr := call(t, LcovMerger, strings.Fields(c.args)...)
			if status != c.status || stdout != "" || stderr != c.stderr {
				t.Errorf("status %d, want %d; stdout %q; stderr\n%s\nwant\n%s", status, c.status, stdout, stderr, c.stderr)
			}
			if c.out != "" {
				filetest.Holds(t, "out.dat", c.out)
			} else if _, err := os.Stat("out.dat"); err == nil {
				t.Error("out.dat was written")
			}
		})
	}
}

// TestEveryFault merges one good tracefile with one file of each kind that is
// not: each is named with its line, what can be read is added up, and the
// status is what Bazel expects, or 1 if it is asked for.
func TestEveryFault(t *testing.T) {
	var truncated bytes.Buffer
	z := gzip.NewWriter(&truncated)
	if _, err := z.Write([]byte(`{"files":[{"file":"a.cc","lines":[{"line_number":1,"count":`)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	filetest.In(t, map[string]string{
		"cov/good.dat":              "SF:a.cc\nDA:1,1\nDA:2,2\nend_of_record\n",
		"cov/crlf.dat":              "SF:a.cc\r\nDA:1,1\r\nDA:2,0\r\nend_of_record\r\n",
		"cov/empty.dat":             "",
		"cov/truncated.dat":         "SF:a.cc\nDA:1,1\nDA:2,1",
		"cov/corrupt.dat":           "SF:a.cc\nDA:1,1\nDA:x,7\nDA:2;5\nFN:hello\nBRDA:1\nend_of_record\n",
		"cov/binary.dat":            "\x7fELF" + strings.Repeat("\x00\xfe", 50) + "\nSF:a.cc\nDA:1,1\nend_of_record\n",
		"cov/overflow.dat":          "SF:b.cc\nDA:1,99999999999999999999999\nDA:2,9223372036854775807\nDA:3,-7\nend_of_record\n",
		"cov/sum.dat":               "SF:b.cc\nDA:2,1\nend_of_record\n",
		"cov/bad.gcov":              "file:a.cc\nlcount:1,1\nlcount:zz\n",
		"cov/cut.gcov.json.gz":      truncated.String(),
		"cov/not-gzip.gcov.json.gz": "gcov\n",
		"cov/folder.dat/x":          "",
	})
	list := ""
	for _, name := range []string{"gone.dat", "folder.dat", "good.dat", "crlf.dat", "empty.dat", "truncated.dat", "corrupt.dat", "binary.dat", "overflow.dat", "sum.dat"} {
		list += "cov/" + name + "\n"
	}
	if err := os.WriteFile("list", []byte(list), 0o666); err != nil {
		t.Fatal(err)
	}
	want := `x: warning: b.cc: the sum of the counts of line 2, and perhaps of others, is larger than 9223372036854775807, which was taken [count-saturated]
x: warning: cov/bad.gcov:3: "lcount:zz" is no line of gcov's intermediate format and was left out [bad-line]
x: warning: cov/binary.dat:1: expected SF:, found "\x7fELF\x00\xfe\x00\xfe\x00\xfe\x00\xfe\x00\xfe\x00\xfe\x00\xfe\x00\xfe"... outside of any record [not-a-record]
x: warning: cov/corrupt.dat:3: "DA:x,7" cannot be read as DA:line,count and was left out [bad-line]
x: warning: cov/corrupt.dat:4: "DA:2;5" cannot be read as DA:line,count and was left out [bad-line]
x: warning: cov/corrupt.dat:5: "FN:hello" cannot be read as FN:line,name and was left out [bad-line]
x: warning: cov/corrupt.dat: 1 more of this kind [bad-line]
x: warning: cov/cut.gcov.json.gz: expected gcov's JSON; at byte 10 of it: unexpected EOF; what stood before was used [bad-json]
x: warning: cov/folder.dat: it is a folder; it was left out [unreadable]
x: warning: cov/gone.dat: no such file or directory; it was left out [unreadable]
x: warning: cov/not-gzip.gcov.json.gz: expected gcov's JSON; at byte 0 of it: invalid character 'g' looking for beginning of value; what stood before was used [bad-json]
x: warning: cov/overflow.dat:2: the count "99999999999999999999999" is larger than 9223372036854775807, which was taken [count-saturated]
x: warning: cov/overflow.dat:4: the count "-7" was taken as 0 [negative-count]
x: warning: cov/truncated.dat:3: the file ends within a record and within a line; the line "DA:2,1" was left out [truncated]
`
	want = strings.ReplaceAll(want, "x: ", "covwrap lcov-merger: ")
	const out = "SF:a.cc\nFNF:0\nFNH:0\nDA:1,6\nDA:2,2\nLH:2\nLF:2\nend_of_record\n" +
		"SF:b.cc\nFNF:0\nFNH:0\nDA:1,9223372036854775807\nDA:2,9223372036854775807\nDA:3,0\nLH:2\nLF:3\nend_of_record\n"
	status, stdout, stderr := call(t, LcovMerger, "--coverage_dir=cov", "--reports_file=list", "--output_file=out.dat")
	if status != 0 || stdout != "" || stderr != want {
		t.Errorf("status %d; stdout %q; stderr\n%s\nwant\n%s", status, stdout, stderr, want)
	}
	filetest.Holds(t, "out.dat", out)
	status, _, stderr = call(t, LcovMerger, "--coverage_dir=cov", "--reports_file=list", "--output_file=out.dat", "--strict")
	want += "covwrap lcov-merger: --strict was given, and faults were found: 14, in 10 of the files\n"
	if status != 1 || stderr != want {
		t.Errorf("strictly: status %d; stderr\n%s\nwant\n%s", status, stderr, want)
	}
	filetest.Holds(t, "out.dat", out)
}

func TestReportGenerator(t *testing.T) {
	t.Setenv("VERBOSE_COVERAGE", "")
	filetest.In(t, map[string]string{
		"list":                    "x/coverage.dat\ny/coverage.dat\nx/baseline_coverage.dat",
		"x/coverage.dat":          "#covwrap spawned=2 covered=2 collected=1\n#covwrap missing killed ./w\nSF:a/a.go\nDA:1,1\nend_of_record\n",
		"y/coverage.dat":          "",
		"x/baseline_coverage.dat": "SF:a/a.go\nend_of_record\nSF:b/b.go\nend_of_record\n",
	})
	status, stdout, stderr := call(t, ReportGenerator, "--reports_file=list", "--output_file=out.dat")
	want := `package        lines
--------------------
//a      1/1  100.0%
--------------------
total    1/1  100.0%
not measured: 1 source file that no test touched, counted in no percentage
  b/b.go
children: 2 spawned, 2 covered, 1 collected, in 1 test under the launcher
left out: 1 [killed]; docs/messages.md says how to mend it
  ./w
`
	if status != 0 || stdout != "" || stderr != want {
		t.Errorf("status %d, stdout %q, stderr\n%s\nwant\n%s", status, stdout, stderr, want)
	}
	filetest.Holds(t, "out.dat", "SF:a/a.go\nFNF:0\nFNH:0\nDA:1,1\nLH:1\nLF:1\nend_of_record\n")

	filetest.In(t, map[string]string{"list": "gone.dat"})
	status, _, stderr = call(t, ReportGenerator, "--reports_file=list", "--output_file=out.dat")
	want = "covwrap report-generator: warning: gone.dat: no such file or directory; it was left out [unreadable]\ncovwrap: there was no coverage in any tracefile\n"
	if status != 0 || stderr != want {
		t.Errorf("status %d, stderr\n%s\nwant\n%s", status, stderr, want)
	}
	filetest.Holds(t, "out.dat", "")
}
