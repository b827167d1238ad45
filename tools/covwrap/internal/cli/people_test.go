package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/covwrap/covwrap/tools/covwrap/internal/filetest"
)

// call runs a command line and returns what it wrote.
func call(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	status = Main(append([]string{"covwrap"}, args...), Stdio{In: os.Stdin, Out: &out, Err: &err})
	return status, out.String(), err.String()
}

// tracefiles is what most cases below read.
var tracefiles = map[string]string{
	"go.mod":  "module example.com/m\n", // so that no go.mod above is asked
	"a.dat":   "#covwrap spawned=2 covered=2 collected=1\n#covwrap missing killed ./w\nTN:one\nSF:a/x.go\nFN:1,f\nFNDA:1,f\nDA:1,1\nDA:2,0\nDA:3,1\nend_of_record\n",
	"b.dat":   "TN:two\nSF:a/x.go\nDA:2,0\nend_of_record\nSF:a/b/y.go\nFN:1,g\nDA:1,0\nend_of_record\n",
	"bad.dat": "SF:a/x.go\nDA:1\nend_of_record\n",
	"cover.out": "mode: count\nexample.com/m/a/x.go:1.10,3.2 2 4\nexample.com/m/a/x.go:3.2,3.5 1 9\nexample.com/m/a/x.go:7.1,9.1 0 5\n" +
		"example.com/m/a/x.go:1.10,3.2 2 1\n",
	"x.txt":  "hello\n",
	"a/x.go": "package a\n",
}

func TestPeople(t *testing.T) {
	table := `package        lines    functions
---------------------------------
//a      2/3   66.6%  1/1  100.0%
//a/b    0/1    0.0%  0/1    0.0%
---------------------------------
total    2/4   50.0%  1/2   50.0%
children: 2 spawned, 2 covered, 1 collected, in 1 test under the launcher
left out: 1 [killed]; docs/messages.md says how to mend it
  ./w
`
	for _, c := range []struct {
		name, args     string
		status         int
		stdout, stderr string
	}{
		{
			name: "merge, flags after inputs", args: "merge a.dat b.dat --format lcov",
			stdout: "SF:a/b/y.go\nFN:1,g\nFNDA:0,g\nFNF:1\nFNH:0\nDA:1,0\nLH:0\nLF:1\nend_of_record\n",
		},
		{
			name: "merge by test", args: "merge --by-test b.dat",
			stdout: "TN:two\nSF:a/b/y.go\nFN:1,g\nFNDA:0,g\nFNF:1\nFNH:0\nDA:1,0\nLH:0\nLF:1\nend_of_record\nTN:two\nSF:a/x.go\nFNF:0\nFNH:0\nDA:2,0\nLH:0\nLF:1\nend_of_record\n",
		},
		{name: "merge to Go's text", args: "merge --format=go cover.out", stdout: "mode: count\nexample.com/m/a/x.go:1.10,3.2 2 5\nexample.com/m/a/x.go:3.2,3.5 1 9\nexample.com/m/a/x.go:7.1,9.1 0 5\n"},
		{name: "Go's text as lines", args: "merge cover.out", stdout: "SF:a/x.go\nFNF:0\nFNH:0\nDA:1,5\nDA:2,5\nDA:3,9\nLH:3\nLF:3\nend_of_record\n"},
		{name: "lines have no blocks", args: "merge --format=go cover.out a.dat", status: 1, stderr: "covwrap merge: a.dat has lines but not Go's blocks; this format can only be made from Go profiles\n"},
		{name: "no such format", args: "merge --format=xml a.dat", status: 2, stderr: "covwrap merge: --format=xml is none of lcov, cobertura, json, go, gocoverdir; \"covwrap merge -h\" explains the command\n"},
		{name: "no such flag", args: "merge --nope a.dat", status: 2, stderr: "covwrap merge: flag provided but not defined: -nope; \"covwrap merge -h\" explains the command\n"},
		{name: "no such file", args: "merge gone.dat", status: 1, stderr: "covwrap merge: stat gone.dat: no such file or directory\n"},
		{name: "no coverage", args: "merge x.txt", status: 1, stderr: "covwrap merge: x.txt is no tracefile, Go profile, gcov report or build event file\n"},
		{name: "faults", args: "merge bad.dat", stdout: "SF:a/x.go\nFNF:0\nFNH:0\nLH:0\nLF:0\nend_of_record\n", stderr: "covwrap merge: warning: bad.dat:2: \"DA:1\" cannot be read as DA:line,count and was left out [bad-line]\n"},
		{
			name: "faults, strictly", args: "merge --strict bad.dat", status: 1,
			stderr: "covwrap merge: warning: bad.dat:2: \"DA:1\" cannot be read as DA:line,count and was left out [bad-line]\ncovwrap merge: --strict was given, and faults were found: 1, in 1 of the files\n",
		},
		{name: "summary", args: "summary a.dat b.dat", stdout: table},
		{
			name: "summary by file", args: "summary --by=file b.dat",
			stdout: "file            lines    functions\n----------------------------------\na/b/y.go  0/1    0.0%  0/1    0.0%\n",
		},
		{name: "summary by what", args: "summary --by=x a.dat", status: 2, stderr: "covwrap summary: --by=x is none of package, file; \"covwrap summary -h\" explains the command\n"},
		{name: "check, met", args: "check --min-lines=50 --min-functions=50 a.dat b.dat", stdout: "covwrap check: 2 minimums are all met\n"},
		{
			name: "check, not met", args: "check --min-lines=50.001 --min-functions=50 --per-file --package=//a/b=1 --package=//c/...=1 a.dat b.dat", status: 4,
			stdout: `falls short  of         covered  percent  required
--------------------------------------------------
total        lines          2/4    50.0%   50.001%
//a/b        lines          0/1     0.0%      1.0%
//c/...      lines          0/0        -      1.0%
a/b/y.go     lines          0/1     0.0%   50.001%
a/b/y.go     functions      0/1     0.0%     50.0%
//c/...: there are no lines at all: is the name right, and does the report cover it?
covwrap check: 5 of 8 minimums are not met
`,
		},
		{name: "check what", args: "check a.dat", status: 2, stderr: "covwrap check: nothing is asked for: give --min-lines, --min-functions or --package; \"covwrap check -h\" explains the command\n"},
		{name: "check against no number", args: "check --min-lines=x a.dat", status: 2, stderr: "covwrap check: invalid value \"x\" for flag -min-lines: \"x\" is no percentage: expected a number from 0 to 100, with three decimals at most; \"covwrap check -h\" explains the command\n"},
		{
			name: "no input", args: "summary", // cover.out is there
			stdout: "package        lines\n--------------------\n//a      3/3  100.0%\n--------------------\ntotal    3/3  100.0%\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			filetest.In(t, tracefiles)
			status, stdout, stderr := call(t, strings.Fields(c.args)...)
			if c.name == "merge, flags after inputs" {
				_, rest, _ := strings.Cut(stdout, "SF:a/x.go\n")
				if want := "FN:1,f\nFNDA:1,f\nFNF:1\nFNH:1\nDA:1,1\nDA:2,0\nDA:3,1\nLH:2\nLF:3\nend_of_record\n"; rest != want {
					t.Errorf("the record of a/x.go is\n%s\nwant\n%s", rest, want)
				}
				stdout, _, _ = strings.Cut(strings.TrimPrefix(stdout, "TN:two\n"), "TN:\n")
			}
			if c.name == "summary by file" {
				stdout = strings.Join(strings.SplitAfter(stdout, "\n")[:3], "")
			}
			if status != c.status || stdout != c.stdout || stderr != c.stderr {
				t.Errorf("status %d, want %d; stdout\n%s\nwant\n%s\nstderr\n%s\nwant\n%s", status, c.status, stdout, c.stdout, stderr, c.stderr)
			}
		})
	}
}

// TestMergeGoDir reads a folder that "go build -cover" binaries wrote: three
// runs of a program, as lines, as text and as such a folder again.
func TestMergeGoDir(t *testing.T) {
	cov, err := filepath.Abs("testdata/gocoverdir")
	if err != nil {
		t.Fatal(err)
	}
	filetest.In(t, map[string]string{"go.mod": "module example.com/gp\n", "lib/lib.go": "package lib\n", "main.go": "package main\n"})
	status, _, stderr := call(t, "merge", "-o", "out.info", cov)
	if status != 0 || stderr != "" {
		t.Fatalf("status %d, %s", status, stderr)
	}
	filetest.Holds(t, "out.info", "SF:lib/lib.go\nFN:10,Never\nFN:3,Twice\nFNDA:0,Never\nFNDA:3,Twice\nFNF:2\nFNH:1\nDA:3,3\nDA:4,3\nDA:5,0\nDA:6,0\nDA:7,3\nDA:10,0\nDA:11,0\nDA:12,0\nLH:3\nLF:8\nend_of_record\n"+
		"SF:main.go\nFN:10,main\nFNDA:3,main\nFNF:1\nFNH:1\nDA:10,3\nDA:11,3\nDA:12,3\nLH:3\nLF:3\nend_of_record\n")
	const text = "mode: count\nexample.com/gp/lib/lib.go:3.23,4.11 1 3\nexample.com/gp/lib/lib.go:4.11,6.3 1 0\nexample.com/gp/lib/lib.go:7.2,7.14 1 3\nexample.com/gp/lib/lib.go:10.18,12.2 1 0\nexample.com/gp/main.go:10.13,12.2 1 3\n"
	if status, stdout, stderr := call(t, "merge", "--format=go", cov); status != 0 || stdout != text || stderr != "" {
		t.Errorf("status %d, stdout\n%s\nwant\n%s\n%s", status, stdout, text, stderr)
	}
	// Twice as a folder, then that folder and the first as text: three times
	// the counts of the first.
	copied := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(copied, os.DirFS(cov)); err != nil {
		t.Fatal(err)
	}
	if status, _, stderr := call(t, "merge", "--format=gocoverdir", "-o", "twice", cov, copied); status != 0 || stderr != "" {
		t.Fatalf("status %d, %s", status, stderr)
	}
	if entries, err := os.ReadDir("twice"); err != nil || len(entries) != 2 {
		t.Errorf("twice has %v, %v; want one meta-data and one counter file", entries, err)
	}
	want := strings.ReplaceAll(text, " 3\n", " 9\n")
	if status, stdout, _ := call(t, "merge", "--format=go", cov, "twice"); status != 0 || stdout != want {
		t.Errorf("status %d, stdout\n%s\nwant\n%s", status, stdout, want)
	}
	status, _, stderr = call(t, "merge", "--format=gocoverdir", "-o", "twice", cov)
	if status != 1 || stderr != "covwrap merge: twice is not empty: its profiles would be taken for this run's; name a new folder\n" {
		t.Errorf("into a folder that is not empty: status %d, %s", status, stderr)
	}
}

func TestMergeSplit(t *testing.T) {
	filetest.In(t, tracefiles)
	status, _, stderr := call(t, "merge", "--format=cobertura", "--split=1", "-o", "out.xml", "a.dat")
	if status != 0 || stderr != "" {
		t.Fatalf("status %d, %s", status, stderr)
	}
	got, err := os.ReadFile("out.xml")
	if err != nil || !strings.Contains(string(got), `<class name="x.go" filename="a/x.go" line-rate="0.6666" branch-rate="0" complexity="0">`) {
		t.Errorf("%v\n%s", err, got)
	}
	if status, _, stderr = call(t, "merge", "--format=cobertura", "--split=1", "a.dat"); status != 2 || !strings.HasPrefix(stderr, "covwrap merge: --split needs the name of a file (-o)") {
		t.Errorf("status %d, %s", status, stderr)
	}
}

func TestSummaryJSON(t *testing.T) {
	filetest.In(t, tracefiles)
	status, stdout, stderr := call(t, "summary", "--json", "a.dat")
	var got any
	if err := json.Unmarshal([]byte(stdout), &got); status != 0 || stderr != "" || err != nil {
		t.Fatalf("status %d, %s, %v", status, stderr, err)
	}
	totals := map[string]any{"files": 1., "lines": 3., "lines_hit": 2., "functions": 1., "functions_hit": 1., "branches": 0., "branches_hit": 0.}
	row := map[string]any{"name": "//a"}
	for k, v := range totals {
		row[k] = v
	}
	want := map[string]any{
		"rows": []any{row}, "total": totals,
		"children": map[string]any{"tests": 1., "spawned": 2., "covered": 2., "collected": 1., "left_out": []any{map[string]any{"slug": "killed", "text": "./w"}}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%v\nwant\n%v", got, want)
	}
}

func TestCheckJSON(t *testing.T) {
	filetest.In(t, tracefiles)
	status, stdout, _ := call(t, "check", "--json", "--min-lines=99", "a.dat")
	want := `{
  "ok": false,
  "minimums": [
    {
      "name": "total",
      "kind": "lines",
      "hit": 2,
      "all": 3,
      "required_thousandths": 99000,
      "ok": false
    }
  ]
}
`
	if status != 4 || stdout != want {
		t.Errorf("status %d, stdout\n%s\nwant\n%s", status, stdout, want)
	}
}

// TestDiff changes a file of a repository below the folder that it runs in.
func TestDiff(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip(err)
	}
	t.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	t.Setenv("GIT_CONFIG_SYSTEM", os.DevNull)
	filetest.In(t, map[string]string{"m/a/x.go": "1\n2\n3\n4\n5\n6\n", "m/go.mod": "module example.com/m\n", "m/doc.txt": "1\n"})
	for _, args := range [][]string{{"init", "-q"}, {"add", "."}, {"-c", "user.name=x", "-c", "user.email=x@localhost", "commit", "-qm", "x"}} {
		if out, err := exec.Command("git", args...).CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	for name, text := range map[string]string{"m/a/x.go": "1\ntwo\n3\nfour\nfive\nsix\n", "m/doc.txt": "2\n", "m/in.dat": "SF:a/x.go\nDA:1,0\nDA:2,1\nDA:4,0\nDA:5,0\nend_of_record\nSF:other.go\nDA:1,1\nend_of_record\n"} {
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir("m")
	want := `changed file  covered  percent  lines not covered
-------------------------------------------------
m/a/x.go      1/3        33.3%  4-5
total         1/3        33.3%
changed, but not in the coverage:
  m/doc.txt
  m/in.dat
`
	if status, stdout, stderr := call(t, "diff", "--min=33.3", "in.dat"); status != 0 || stdout != want || stderr != "" {
		t.Errorf("status %d, stdout\n%s\nwant\n%s\n%s", status, stdout, want, stderr)
	}
	if status, stdout, stderr := call(t, "diff", "--min=34", "in.dat"); status != 4 || stdout != want || stderr != "covwrap diff: less than 34.0% of the changed lines are covered\n" {
		t.Errorf("status %d, stdout\n%s\n%s", status, stdout, stderr)
	}
	status, _, stderr := call(t, "diff", "--base=nowhere", "in.dat")
	if status != 1 || !strings.HasPrefix(stderr, `covwrap diff: "nowhere" is no revision of the repository in `) {
		t.Errorf("status %d, %s", status, stderr)
	}
}
