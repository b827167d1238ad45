package parity

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// lcovTools are the folders of lcov 1's and lcov 2's programs; tests that need
// them are skipped without.
func lcovTools(t *testing.T) (one, two string) {
	t.Helper()
	folders := filepath.SplitList(os.Getenv("COVWRAP_LCOV"))
	if len(folders) != 2 {
		t.Skip("COVWRAP_LCOV does not name two folders; see the package's documentation")
	}
	return folders[0], folders[1]
}

// perl runs one of lcov's programs in a folder and returns what it says.
func perl(dir, folder, tool string, args ...string) (string, error) {
	cmd := exec.Command(filepath.Join(folder, tool), args...)
	cmd.Dir = dir
	// Neither a user's lcovrc nor a translation.
	cmd.Env = append(os.Environ(), "LC_ALL=C", "HOME="+dir)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// sources are the folder in which the source files of testdata/real are where
// its tracefiles say, as far as they are here.
func sources(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	paths, err := filepath.Glob("testdata/src/*.*")
	if err != nil || len(paths) < 6 {
		t.Fatalf("%v, %v", paths, err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		put(t, dir, filepath.Base(path), string(text))
		put(t, dir, "java/shapes/"+filepath.Base(path), string(text))
	}
	return dir
}

// tracefile is a file of testdata/real that lcov reads.
type tracefile struct {
	name  string
	lcov2 bool // its dialect is not known to lcov 1
}

// tracefiles lists them. The flags of lcov do not matter for gcov's formats,
// which lcov does not read, but our result from them must be read.
func tracefiles(t *testing.T) []tracefile {
	t.Helper()
	paths, err := filepath.Glob("testdata/real/*")
	if err != nil || len(paths) < 15 {
		t.Fatalf("%v, %v", paths, err)
	}
	var all []tracefile
	for _, path := range paths {
		name := filepath.Base(path)
		all = append(all, tracefile{name, strings.HasPrefix(name, "lcov-2") || strings.HasPrefix(name, "coverage.py-7")})
	}
	return all
}

// mergeTwice copies a file of testdata/real into a folder twice and merges it
// with covwrap: the system's headers are left out.
func mergeTwice(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join("testdata/real", name))
		if err != nil {
			t.Fatal(err)
		}
		for _, sub := range []string{"one", "two"} {
			if err := os.MkdirAll(filepath.Join(dir, sub), 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, sub, name), text, 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	return merge(t, ours, dir, "--filter_sources=/usr/.*")
}

// TestLcovAdds wants lcov itself to add a tracefile to itself with the same
// result.
func TestLcovAdds(t *testing.T) {
	one, two := lcovTools(t)
	dir := sources(t)
	for _, f := range tracefiles(t) {
		if filepath.Ext(f.name) != ".dat" {
			continue
		}
		text, err := os.ReadFile(filepath.Join("testdata/real", f.name))
		if err != nil {
			t.Fatal(err)
		}
		put(t, dir, f.name, string(text))
		us := canon{}
		us.add(t, mergeTwice(t, f.name))
		usWithoutBlocks := us.withoutBlocks()
		for version, folder := range map[string]string{"1": one, "2": two} {
			flags := []string{"--rc", "lcov_branch_coverage=1"}
			if version == "2" {
				// Where lines and functions do not fit each other, lcov 2
				// would also change them.
				flags = []string{"--branch-coverage", "--rc", "check_data_consistency=0", "--ignore-errors", "format,empty"}
			} else if f.lcov2 {
				continue
			}
			said, err := perl(dir, folder, "lcov", append(flags, "-a", f.name, "-a", f.name, "-o", "sum.info")...)
			if err != nil {
				t.Errorf("lcov %s does not add %s: %v\n%s", version, f.name, err, said)
				continue
			}
			sum, err := os.ReadFile(filepath.Join(dir, "sum.info"))
			if err != nil {
				t.Fatal(err)
			}
			them := canon{}
			them.add(t, older(string(sum)))
			if version == "2" {
				them.withoutBlocks().same(t, f.name+" with lcov 2", usWithoutBlocks)
			} else {
				them.same(t, f.name+" with lcov 1", us)
			}
		}
	}
}

// withoutBlocks adds up the branches of a line that differ only in their
// block: lcov 2 numbers blocks anew, and takes a branch that one record has
// twice for one of another block.
func (c canon) withoutBlocks() canon {
	all := canon{}
	for k, n := range c {
		if at := strings.Index(k, " BRDA:"); at >= 0 {
			fields := strings.SplitN(k[at:], ",", 3)
			k = k[:at] + fields[0] + "," + strings.Trim(fields[1], "0123456789") + "," + fields[2]
		}
		if strings.HasSuffix(k, " reached") {
			all[k] = 1
		} else {
			all[k] += n
		}
	}
	return all
}

// unlike is what lcov 2 says against a tracefile as the tool wrote it, and so
// against the merged one: that it has no functions, and that lines and branches
// do not fit each other.
func unlike(name string) []string {
	none := []string{"unsupported", "empty"}
	switch {
	case name == "all", strings.HasPrefix(name, "llvm-14-cov"), strings.HasPrefix(name, "c8"):
		return append(none, "inconsistent")
	}
	return none
}

var summaryLine = regexp.MustCompile(`(lines|functions|branches)\.+: .*?(?:\((\d+) of (\d+) |no data)`)

// TestLcovReads wants lcov and genhtml, 1 and 2, to read what the merger writes
// and to come to the same totals.
func TestLcovReads(t *testing.T) {
	one, two := lcovTools(t)
	dir := sources(t)
	all := tracefiles(t)
	merged := map[string]string{}
	var names, accepted []string
	for _, f := range all {
		merged[f.name] = mergeTwice(t, f.name)
		names = append(names, f.name)
		// clang has no branches where gcc has some.
		if !slices.Contains(unlike(f.name), "inconsistent") && !strings.HasPrefix(f.name, "llvm") {
			accepted = append(accepted, f.name)
		}
	}
	merged["all"] = mergeTwice(t, names...)
	merged["all that lcov 2 accepts"] = mergeTwice(t, accepted...)
	for name, text := range merged {
		put(t, dir, "merged.info", text)
		c := canon{}
		c.add(t, text)
		for version, folder := range map[string]string{"1": one, "2": two} {
			branches, html := []string{"--rc", "lcov_branch_coverage=1"}, []string{"--rc", "lcov_branch_coverage=1", "--ignore-errors", "source"}
			if version == "2" {
				ignore := unlike(name)
				branches = []string{"--branch-coverage", "--ignore-errors", strings.Join(ignore, ",")}
				// llvm-cov gcov gives lines of the standard library to the
				// file that includes it.
				html = []string{"--branch-coverage", "--synthesize-missing", "--ignore-errors", strings.Join(append(ignore, "source", "range"), ",")}
			}
			said, err := perl(dir, folder, "lcov", append(branches, "--summary", "merged.info")...)
			if err != nil {
				t.Errorf("lcov %s does not read %s: %v\n%s", version, name, err, said)
				continue
			}
			got := map[string]string{}
			for _, m := range summaryLine.FindAllStringSubmatch(said, -1) {
				if m[2] == "" {
					m[2], m[3] = "0", "0"
				}
				got[m[1]] = m[2] + "/" + m[3]
			}
			for kind, want := range c.totals(version == "1") {
				if got[kind] != want {
					t.Errorf("lcov %s finds %s of %s in %s, want %s:\n%s", version, got[kind], kind, name, want, said)
				}
			}
			if said, err := perl(dir, folder, "genhtml", append(html, "-q", "-o", "html"+version, "merged.info")...); err != nil {
				t.Errorf("genhtml %s does not read %s: %v\n%s", version, name, err, said)
			}
		}
	}
}

// totals are what lcov counts, "HIT/ALL" each. lcov 1 knows branches by number
// only.
func (c canon) totals(lcov1 bool) map[string]string {
	type total struct{ hit, all int }
	var lines, branches, functions total
	for k, n := range c {
		source, what, ok := strings.Cut(k, " ")
		if !ok {
			continue
		}
		tag, about, _ := strings.Cut(what, ":")
		count := func(t *total, n int64) {
			t.all++
			if n > 0 {
				t.hit++
			}
		}
		switch {
		case tag == "DA":
			count(&lines, n)
		case tag == "FN":
			count(&functions, c[source+" FNDA:"+about])
		case tag == "BRDA" && !strings.HasSuffix(k, " reached"):
			if fields := strings.Split(about, ","); lcov1 && !(isNumber(fields[1]) && isNumber(fields[2])) {
				continue
			}
			count(&branches, n)
		}
	}
	return map[string]string{
		"lines":     fmt.Sprintf("%d/%d", lines.hit, lines.all),
		"functions": fmt.Sprintf("%d/%d", functions.hit, functions.all),
		"branches":  fmt.Sprintf("%d/%d", branches.hit, branches.all),
	}
}

func isNumber(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
