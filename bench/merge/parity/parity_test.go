package parity

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// bazelMerger is the command of Bazel's merger; tests that need it are skipped
// without.
func bazelMerger(t *testing.T) string {
	t.Helper()
	path := os.Getenv("COVWRAP_BAZEL_MERGER")
	if path == "" {
		t.Skip("COVWRAP_BAZEL_MERGER is not set; see the package's documentation")
	}
	return path
}

// ours is the command of covwrap's merger, built once.
var ours string

func TestMain(m *testing.M) {
	status := func() int {
		dir, err := os.MkdirTemp("", "covwrap-parity-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		ours = filepath.Join(dir, "lcov_merger")
		if os.Getenv("COVWRAP_BAZEL_MERGER") != "" || os.Getenv("COVWRAP_LCOV") != "" {
			build := exec.Command("go", "build", "-o", ours, "github.com/covwrap/covwrap/tools/covwrap/lcov_merger")
			if out, err := build.CombinedOutput(); err != nil {
				fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
				return 1
			}
		}
		return m.Run()
	}()
	os.Exit(status)
}

// merge runs a merger over a folder and returns its output.
func merge(t *testing.T, merger, dir string, flags ...string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "out.dat")
	cmd := exec.Command(merger, append([]string{"--coverage_dir=" + dir, "--output_file=" + out}, flags...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s", merger, err, stderr.String())
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// normalise brings a tracefile into one form: branches in order of line, block
// and branch (Bazel keeps the order of the first input).
func normalise(s string) string {
	lines := strings.SplitAfter(s, "\n")
	for i := 0; i < len(lines); i++ {
		j := i
		for j < len(lines) && strings.HasPrefix(lines[j], "BRDA:") {
			j++
		}
		slices.SortStableFunc(lines[i:j], func(a, b string) int { return slices.Compare(key(a), key(b)) })
		i = max(i, j-1)
	}
	return strings.Join(lines, "")
}

// key is line, block and branch of a BRDA line.
func key(line string) []int {
	fields := strings.Split(strings.TrimSpace(strings.TrimPrefix(line, "BRDA:")), ",")
	var k []int
	for _, f := range fields[:3] {
		n, _ := strconv.Atoi(f)
		k = append(k, n)
	}
	return k
}

// compare wants both mergers to write the same after normalisation.
func compare(t *testing.T, dir string, flags ...string) {
	t.Helper()
	theirs, us := normalise(merge(t, bazelMerger(t), dir, flags...)), normalise(merge(t, ours, dir, flags...))
	if theirs == us {
		if strings.Count(us, "\nend_of_record\n") == 0 {
			t.Error("nothing was merged")
		}
		return
	}
	a, b := strings.Split(theirs, "\n"), strings.Split(us, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			t.Fatalf("line %d differs:\nBazel:   %s\ncovwrap: %s\nafter\n%s", i+1, a[i], b[i], strings.Join(a[max(i-12, 0):i], "\n"))
		}
	}
	t.Fatalf("Bazel writes %d lines, covwrap %d", len(a), len(b))
}

// put writes a file of a coverage folder.
func put(t *testing.T, dir, name, text string) {
	t.Helper()
	if strings.HasSuffix(name, ".gz") {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		text = b.String()
	}
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

// TestGenerated merges random tracefiles, gcov texts and gcov JSON of the same
// source files.
func TestGenerated(t *testing.T) {
	bazelMerger(t)
	for seed := range uint64(5) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			dir := t.TempDir()
			r := rand.New(rand.NewPCG(seed, 3))
			for i := range 30 {
				put(t, dir, fmt.Sprintf("sub%d/%d.dat", i%3, i), randomTracefile(r))
				put(t, dir, fmt.Sprintf("sub%d/%d.gcov", i%3, i), randomGcov(r))
				put(t, dir, fmt.Sprintf("sub%d/%d.gcov.json.gz", i%3, i), randomJSON(r))
			}
			manifest := ""
			for i := range 40 {
				manifest += fmt.Sprintf("src/f%d.cc\nsrc/f%d.gcno\n", i, i)
			}
			put(t, dir, "manifest", manifest)
			put(t, dir, "replace", "src/gen/f3.cc:src/f3.cc\n")
			compare(t, dir,
				"--filter_sources=/usr/.+", "--filter_sources=src/f1[0-2].cc",
				"--source_file_manifest="+filepath.Join(dir, "manifest"),
				"--sources_to_replace_file="+filepath.Join(dir, "replace"))
		})
	}
}

// TestReal merges what real tools wrote (testdata/src/make says how): each file
// by itself must give what Bazel's merger makes of it, and all together the sum
// of that. Bazel's own result for all is no oracle: it drops the branches of
// one input where another has different ones.
func TestReal(t *testing.T) {
	bazelMerger(t)
	paths, err := filepath.Glob("testdata/real/*")
	if err != nil || len(paths) < 12 {
		t.Fatalf("%d files: %v", len(paths), err)
	}
	all, sum := t.TempDir(), canon{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(path)
		dir := t.TempDir()
		for _, d := range []string{dir, all} {
			if err := os.WriteFile(filepath.Join(d, name), text, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		theirs, us := canon{}, canon{}
		us.add(t, merge(t, ours, dir))
		if err := os.WriteFile(filepath.Join(dir, name), apart(name, []byte(older(string(text)))), 0o666); err != nil {
			t.Fatal(err)
		}
		result := merge(t, bazelMerger(t), dir)
		theirs.add(t, result)
		sum.add(t, result)
		if len(theirs) == 0 {
			t.Errorf("%s: nothing was merged", name)
		}
		theirs.same(t, name, us)
	}
	us := canon{}
	us.add(t, merge(t, ours, all))
	sum.same(t, "all", us)
}

// apart gives every record of a file a source file of its own, so that Bazel's
// merger has nothing to merge; canon takes that back. Only then is its result
// what the file says: it drops branches also where one file has several
// records of a source file, as geninfo writes them for headers.
func apart(name string, text []byte) []byte {
	tag := map[string]string{".dat": "SF:", ".gcov": "file:"}[filepath.Ext(name)]
	if tag == "" {
		return text
	}
	lines := strings.SplitAfter(string(text), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, tag) {
			lines[i] = fmt.Sprintf("%s@@%d\n", strings.TrimSuffix(line, "\n"), i)
		}
	}
	return []byte(strings.Join(lines, ""))
}

// older rewrites what lcov 2 introduced as lcov 1 has it, which is all that
// Bazel's merger and canon know: the ends of functions, functions by index,
// conditions. Other files stay as they are.
func older(text string) string {
	if !strings.Contains(text, "end_of_record") {
		return text
	}
	first := map[string]string{} // function's index: its line
	var b strings.Builder
	for _, line := range strings.SplitAfter(text, "\n") {
		tag, rest, _ := strings.Cut(line, ":")
		fields := strings.SplitN(rest, ",", 3)
		switch {
		case tag == "FNL":
			first[fields[0]] = strings.TrimSpace(fields[1])
		case tag == "FNA":
			fmt.Fprintf(&b, "FN:%s,%sFNDA:%s,%s", first[fields[0]], fields[2], fields[1], fields[2])
		case tag == "FN" && len(fields) == 3 && strings.Trim(fields[1], "0123456789") == "":
			fmt.Fprintf(&b, "FN:%s,%s", fields[0], fields[2])
		case tag == "MCDC", tag == "MCF", tag == "MCH":
		default:
			b.WriteString(line)
		}
	}
	return b.String()
}

// canon is a tracefile in which the differences that docs/merge.md lists for
// real tools do not show: line 0, "./" before names, checksums, notes, and two
// branches with the same numbers in one record. Keys are file, tag and what the
// line is about ("a.cc BRDA:4,0,1"); values are counts, the largest for FN.
type canon map[string]int64

// add adds a tracefile.
func (c canon) add(t *testing.T, tracefile string) {
	t.Helper()
	source := ""
	for _, line := range strings.Split(strings.TrimSuffix(tracefile, "\n"), "\n") {
		tag, rest, _ := strings.Cut(line, ":")
		fields := strings.Split(rest, ",")
		number := func(i int) int64 {
			n, err := strconv.ParseInt(fields[i], 10, 64)
			if err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			return n
		}
		key := func(parts ...string) string { return source + " " + tag + ":" + strings.Join(parts, ",") }
		switch {
		case strings.HasPrefix(line, "#"), fields[0] == "0" && tag != "FNDA" && tag != "SF" && len(tag) > 1:
		case tag == "SF":
			source, _, _ = strings.Cut(strings.TrimPrefix(rest, "./"), "@@")
			c[source] += 0
		case tag == "FN":
			if k := key(fields[1]); c[k] == 0 || number(0) < c[k] {
				c[k] = number(0)
			}
		case tag == "FNDA":
			// Functions at line 0 have no place and are left out.
			if c[source+" FN:"+fields[1]] > 0 {
				c[key(fields[1])] += number(0)
			}
		case tag == "BRDA":
			if k := key(fields[:3]...); fields[3] != "-" {
				c[k+" reached"] = 1
				c[k] += number(3)
			} else {
				c[k] += 0
			}
		case tag == "DA":
			c[key(fields[0])] += number(1)
		}
	}
}

// same wants two tracefiles to be the same.
func (c canon) same(t *testing.T, name string, us canon) {
	t.Helper()
	for _, k := range slices.Sorted(maps.Keys(c)) {
		if n, ok := us[k]; !ok || n != c[k] {
			t.Errorf("%s: %s: Bazel has %d, covwrap %d (%v)", name, k, c[k], n, ok)
		}
	}
	for k := range us {
		if _, ok := c[k]; !ok {
			t.Errorf("%s: only covwrap has %s", name, k)
		}
	}
}

// source is a random source file: the names of some are filtered out.
func source(r *rand.Rand) (name string, id int) {
	id = r.IntN(50)
	switch r.IntN(20) {
	case 0:
		return fmt.Sprintf("/usr/include/f%d.h", id), id
	case 1:
		return "src/gen/f3.cc", 3
	}
	return fmt.Sprintf("src/f%d.cc", id), id
}

// lines are the instrumented lines of a source file, always the same.
func lines(id int) []int {
	r := rand.New(rand.NewPCG(uint64(id), 4))
	var all []int
	line := 1
	for range r.IntN(60) {
		line += 1 + r.IntN(4)
		all = append(all, line)
	}
	return all
}

// branches is the number of branches of a line, always the same.
func branches(id, line int) int {
	if n := (id*31 + line*17) % 7; n < 4 {
		return n
	}
	return 0
}

// count is a random count.
func count(r *rand.Rand) int64 {
	switch r.IntN(10) {
	case 0:
		return r.Int64N(1 << 50)
	case 1, 2, 3:
		return 0
	}
	return r.Int64N(200)
}

// randomTracefile names each source file at most once, as tools do.
func randomTracefile(r *rand.Rand) string {
	var b strings.Builder
	seen := map[string]bool{}
	for range r.IntN(30) {
		name, id := source(r)
		if seen[name] {
			continue
		}
		seen[name] = true
		fmt.Fprintf(&b, "TN:\nSF:%s\n", name)
		for k, line := range lines(id) {
			if k%5 == 0 {
				fmt.Fprintf(&b, "FN:%d,fn%d\n", line, k)
			}
		}
		for k := range lines(id) {
			if k%5 == 0 {
				fmt.Fprintf(&b, "FNDA:%d,fn%d\n", count(r), k)
			}
		}
		b.WriteString("FNF:0\nFNH:0\n")
		for _, line := range lines(id) {
			never := r.IntN(3) == 0
			for k := range branches(id, line) {
				if never {
					fmt.Fprintf(&b, "BRDA:%d,0,%d,-\n", line, k)
				} else {
					fmt.Fprintf(&b, "BRDA:%d,0,%d,%d\n", line, k, count(r))
				}
			}
		}
		all := lines(id)
		r.Shuffle(len(all), func(i, j int) {
			if r.IntN(9) == 0 { // mostly in order
				all[i], all[j] = all[j], all[i]
			}
		})
		for _, line := range all {
			if r.IntN(20) > 0 {
				fmt.Fprintf(&b, "DA:%d,%d\n", line, count(r))
			}
		}
		b.WriteString("LH:0\nLF:0\nend_of_record\n")
	}
	return b.String()
}

// randomGcov is a report in gcov's intermediate text format.
func randomGcov(r *rand.Rand) string {
	var b strings.Builder
	b.WriteString("version: 8.1.0\ncwd:/x\n")
	for range r.IntN(10) {
		name, id := source(r)
		fmt.Fprintf(&b, "file:%s\n", name)
		for k, line := range lines(id) {
			if k%5 == 0 {
				fmt.Fprintf(&b, "function:%d,%d,%d,fn%d\n", line, line+3, count(r), k)
			}
		}
		for _, line := range lines(id) {
			fmt.Fprintf(&b, "lcount:%d,%d,0\n", line, count(r))
			for range branches(id, line) {
				fmt.Fprintf(&b, "branch:%d,%s\n", line, []string{"taken", "nottaken", "notexec"}[r.IntN(3)])
			}
		}
	}
	return b.String()
}

// randomJSON is a report in gcov's JSON format.
func randomJSON(r *rand.Rand) string {
	var files []string
	for range r.IntN(10) {
		name, id := source(r)
		var functions, counts []string
		for k, line := range lines(id) {
			if k%5 == 0 {
				functions = append(functions, fmt.Sprintf(`{"name":"fn%d","start_line":%d,"execution_count":%d}`, k, line, count(r)))
			}
			var brs []string
			for range branches(id, line) {
				brs = append(brs, fmt.Sprintf(`{"count":%d}`, count(r)))
			}
			counts = append(counts, fmt.Sprintf(`{"line_number":%d,"count":%d,"branches":[%s]}`, line, count(r), strings.Join(brs, ",")))
		}
		files = append(files, fmt.Sprintf(`{"file":%q,"functions":[%s],"lines":[%s]}`, name, strings.Join(functions, ","), strings.Join(counts, ",")))
	}
	return fmt.Sprintf(`{"format_version":"1","files":[%s]}`, strings.Join(files, ","))
}

// TestDifferences has every case in which the two mergers are meant to differ.
func TestDifferences(t *testing.T) {
	bazelMerger(t)
	const empty = "SF:a\nFNF:0\nFNH:0\n"
	for _, c := range []struct {
		name      string
		files     map[string]string
		bazel, us string // "" stands for no record
	}{
		{
			name:  "commas in the names of functions",
			files: map[string]string{"x.dat": "SF:a\nFN:1,f(int, char)\nFNDA:1,f(int, char)\nDA:1,1\nend_of_record\n"},
			bazel: empty + "DA:1,1\nLH:1\nLF:1\nend_of_record\n",
			us:    "SF:a\nFN:1,f(int; char)\nFNDA:1,f(int; char)\nFNF:1\nFNH:1\nDA:1,1\nLH:1\nLF:1\nend_of_record\n",
		},
		{
			name:  "last lines of functions (lcov 2)",
			files: map[string]string{"x.dat": "SF:a\nFN:1,5,f\nFNDA:1,f\nend_of_record\n"},
			bazel: "SF:a\nFNDA:1,f\nFNF:1\nFNH:1\nLH:0\nLF:0\nend_of_record\n",
			us:    "SF:a\nFN:1,f\nFNDA:1,f\nFNF:1\nFNH:1\nLH:0\nLF:0\nend_of_record\n",
		},
		{
			name:  "functions by index (lcov 2.2)",
			files: map[string]string{"x.dat": "SF:a\nFNL:0,1,5\nFNA:0,1,f\nend_of_record\n"},
			bazel: empty + "LH:0\nLF:0\nend_of_record\n",
			us:    "SF:a\nFN:1,f\nFNDA:1,f\nFNF:1\nFNH:1\nLH:0\nLF:0\nend_of_record\n",
		},
		{
			name:  "the name of the test",
			files: map[string]string{"x.dat": "TN:t\nSF:a\nDA:1,1\nend_of_record\n"},
			bazel: empty + "DA:1,1\nLH:1\nLF:1\nend_of_record\n",
			us:    "TN:t\n" + empty + "DA:1,1\nLH:1\nLF:1\nend_of_record\n",
		},
		{
			name:  "checksums",
			files: map[string]string{"x.dat": "SF:a\nDA:1,1,abc\nend_of_record\n"},
			bazel: empty + "DA:1,1,abc\nLH:1\nLF:1\nend_of_record\n",
			us:    empty + "DA:1,1\nLH:1\nLF:1\nend_of_record\n",
		},
		{
			name:  "branches in another order",
			files: map[string]string{"x.dat": "SF:a\nBRDA:1,0,0,1\nBRDA:1,0,1,0\nend_of_record\n", "y/x.dat": "SF:a\nBRDA:1,0,1,1\nBRDA:1,0,0,0\nend_of_record\n"},
			bazel: "either order of input decides",
			us:    empty + "BRDA:1,0,0,1\nBRDA:1,0,1,1\nBRF:2\nBRH:2\nLH:0\nLF:0\nend_of_record\n",
		},
		{
			name:  "BA lines",
			files: map[string]string{"x.dat": "SF:a\nBA:1,2\nBA:1,1\nend_of_record\n"},
			bazel: empty + "BA:1,2\nBA:1,1\nBRF:2\nBRH:1\nLH:0\nLF:0\nend_of_record\n",
			us:    empty + "BRDA:1,0,0,1\nBRDA:1,0,1,0\nBRF:2\nBRH:1\nLH:0\nLF:0\nend_of_record\n",
		},
		{
			name:  "branch expressions with commas (lcov 2)",
			files: map[string]string{"x.dat": "SF:a\nBRDA:1,0,f(a, b),1\nend_of_record\n"},
			bazel: empty + "LH:0\nLF:0\nend_of_record\n",
			us:    empty + "BRDA:1,0,f(a; b),1\nBRF:1\nBRH:1\nLH:0\nLF:0\nend_of_record\n",
		},
		{
			name:  "a function twice in one record",
			files: map[string]string{"x.dat": "SF:a\nFN:1,f\nFN:9,f\nFNDA:3,f\nFNDA:0,f\nend_of_record\n"},
			bazel: "SF:a\nFN:9,f\nFNDA:0,f\nFNF:1\nFNH:0\nLH:0\nLF:0\nend_of_record\n",
			us:    "SF:a\nFN:1,f\nFNDA:3,f\nFNF:1\nFNH:1\nLH:0\nLF:0\nend_of_record\n",
		},
		{
			name:  "a function without a count",
			files: map[string]string{"x.dat": "SF:a\nFN:1,f\nend_of_record\n"},
			bazel: "SF:a\nFN:1,f\nFNF:0\nFNH:0\nLH:0\nLF:0\nend_of_record\n",
			us:    "SF:a\nFN:1,f\nFNDA:0,f\nFNF:1\nFNH:0\nLH:0\nLF:0\nend_of_record\n",
		},
		{
			name:  "a function without a line",
			files: map[string]string{"x.dat": "SF:a\nFNDA:1,f\nend_of_record\n"},
			bazel: "SF:a\nFNDA:1,f\nFNF:1\nFNH:1\nLH:0\nLF:0\nend_of_record\n",
			us:    empty + "LH:0\nLF:0\nend_of_record\n",
		},
		{
			name:  "overflow",
			files: map[string]string{"x.dat": "SF:a\nDA:1,9223372036854775807\nDA:2,9223372036854775808\nend_of_record\n", "y.dat": "SF:a\nDA:1,2\nend_of_record\n"},
			bazel: empty + "DA:1,-9223372036854775807\nLH:0\nLF:1\nend_of_record\n",
			us:    empty + "DA:1,9223372036854775807\nDA:2,9223372036854775807\nLH:2\nLF:2\nend_of_record\n",
		},
		{
			name:  "negative counts, line 0",
			files: map[string]string{"x.dat": "SF:a\nDA:0,5\nDA:1,-5\nend_of_record\n"},
			bazel: empty + "DA:0,5\nDA:1,-5\nLH:1\nLF:2\nend_of_record\n",
			us:    empty + "DA:1,0\nLH:0\nLF:1\nend_of_record\n",
		},
		{
			name:  "a record without an end",
			files: map[string]string{"x.dat": "SF:a\nDA:1,1\nSF:b\nDA:2,1\nend_of_record\nSF:c\nDA:3,1\n"},
			bazel: empty + "DA:1,1\nDA:2,1\nLH:2\nLF:2\nend_of_record\n",
			us:    empty + "DA:1,1\nLH:1\nLF:1\nend_of_record\nSF:b\nFNF:0\nFNH:0\nDA:2,1\nLH:1\nLF:1\nend_of_record\nSF:c\nFNF:0\nFNH:0\nDA:3,1\nLH:1\nLF:1\nend_of_record\n",
		},
		{
			name:  "an LLVM profile beside a tracefile",
			files: map[string]string{"x.dat": "SF:a\nDA:1,1\nend_of_record\n", "x.profdata": "profile"},
			us:    empty + "DA:1,1\nLH:1\nLF:1\nend_of_record\n",
			bazel: "nothing is written",
		},
		{
			name:  "prefixes that compilers in a sandbox write",
			files: map[string]string{"x.dat": "SF:/proc/self/cwd/a\nDA:1,1\nend_of_record\n"},
			bazel: "SF:/proc/self/cwd/a\nFNF:0\nFNH:0\nDA:1,1\nLH:1\nLF:1\nend_of_record\n",
			us:    empty + "DA:1,1\nLH:1\nLF:1\nend_of_record\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range c.files {
				put(t, dir, name, text)
			}
			if got := merge(t, ours, dir); got != c.us {
				t.Errorf("covwrap: got\n%s\nwant\n%s", got, c.us)
			}
			switch c.bazel {
			case "nothing is written":
				out := filepath.Join(t.TempDir(), "out.dat")
				if b, err := exec.Command(bazelMerger(t), "--coverage_dir="+dir, "--output_file="+out).CombinedOutput(); err != nil {
					t.Errorf("%v\n%s", err, b)
				}
				if _, err := os.Stat(out); err == nil {
					t.Error("Bazel's merger wrote an output")
				}
			case "either order of input decides":
				got := merge(t, bazelMerger(t), dir)
				if !strings.Contains(got, "BRDA:1,0,0,1\nBRDA:1,0,1,0\n") && !strings.Contains(got, "BRDA:1,0,1,1\nBRDA:1,0,0,0\n") {
					t.Errorf("Bazel: got\n%s", got)
				}
			default:
				if got := merge(t, bazelMerger(t), dir); got != c.bazel {
					t.Errorf("Bazel: got\n%s\nwant\n%s", got, c.bazel)
				}
			}
		})
	}
}

// TestNormalise wants the comparison to see what it must see.
func TestNormalise(t *testing.T) {
	a := "SF:a\nBRDA:1,0,1,5\nBRDA:1,0,0,4\nBRDA:10,0,0,1\nBRDA:2,0,0,1\nDA:1,1\nend_of_record\n"
	want := "SF:a\nBRDA:1,0,0,4\nBRDA:1,0,1,5\nBRDA:2,0,0,1\nBRDA:10,0,0,1\nDA:1,1\nend_of_record\n"
	if got := normalise(a); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if normalise(strings.Replace(a, "DA:1,1", "DA:1,2", 1)) == want {
		t.Error("a different count is not seen")
	}
}
