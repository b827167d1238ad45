package bazelcmd

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// inFolder makes a folder with files, and makes it the working directory.
func inFolder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	return dir
}

// call runs a command and returns what it wrote.
func call(t *testing.T, command func([]string, io.Writer, io.Writer) int, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	status = command(args, &out, &err)
	return status, out.String(), err.String()
}

// fileHolds wants a file with exactly this text.
func fileHolds(t *testing.T, name, want string) {
	t.Helper()
	got, err := os.ReadFile(name)
	if err != nil || string(got) != want {
		t.Errorf("%s holds\n%s\n%v; want\n%s", name, got, err, want)
	}
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
			inFolder(t, map[string]string{"cov/a.dat": in, "manifest": "a.go\na.gcno\n", "replace": "x:y\n", "list": "cov/a.dat\nbad.dat\n", "bad.dat": "bad\n"})
			status, stdout, stderr := call(t, LcovMerger, strings.Fields(c.args)...)
			if status != c.status || stdout != "" || stderr != c.stderr {
				t.Errorf("status %d, want %d; stdout %q; stderr\n%s\nwant\n%s", status, c.status, stdout, stderr, c.stderr)
			}
			if c.out != "" {
				fileHolds(t, "out.dat", c.out)
			} else if _, err := os.Stat("out.dat"); err == nil {
				t.Error("out.dat was written")
			}
		})
	}
}

func TestReportGenerator(t *testing.T) {
	t.Setenv("VERBOSE_COVERAGE", "")
	inFolder(t, map[string]string{
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
	fileHolds(t, "out.dat", "SF:a/a.go\nFNF:0\nFNH:0\nDA:1,1\nLH:1\nLF:1\nend_of_record\n")

	inFolder(t, map[string]string{"list": "gone.dat"})
	status, _, stderr = call(t, ReportGenerator, "--reports_file=list", "--output_file=out.dat")
	want = "covwrap report-generator: warning: gone.dat: no such file or directory; it was left out [unreadable]\ncovwrap: there was no coverage in any tracefile\n"
	if status != 0 || stderr != want {
		t.Errorf("status %d, stderr\n%s\nwant\n%s", status, stderr, want)
	}
	fileHolds(t, "out.dat", "")
}
