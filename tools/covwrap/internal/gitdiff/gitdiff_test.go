package gitdiff

import (
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     map[string][]Range
		err      string
	}{
		{name: "nothing", want: map[string][]Range{}},
		{
			name: "changed, grown, shrunk, new, deleted",
			in: "diff --git a/x.go b/x.go\n--- a/x.go\n+++ b/x.go\n@@ -3 +3 @@ func f() {\n-a\n+b\n@@ -9,0 +10,3 @@\n+a\n+b\n+c\n@@ -20,2 +24,0 @@\n-a\n-b\n" +
				"--- /dev/null\n+++ b/new\n@@ -0,0 +1,2 @@\n+a\n+b\n\\ No newline at end of file\n--- a/old\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n",
			want: map[string][]Range{"x.go": {{3, 3}, {10, 12}}, "new": {{1, 2}}},
		},
		{
			name: "lines that look like headers",
			in:   "+++ b/x\n@@ -1,2 +1,2 @@\n--- a/y\n-@@ -7 +7 @@\n+++ b/y\n+@@ -7 +7 @@\n@@ -9 +9 @@\n-a\n+b\n",
			want: map[string][]Range{"x": {{1, 2}, {9, 9}}},
		},
		{
			name: "names with spaces and quotes",
			in:   "+++ b/a b.go\t\n@@ -1 +1 @@\n-a\n+b\n+++ \"b/q\\\"\\303\\244.go\"\n@@ -1 +1 @@\n-a\n+b\n",
			want: map[string][]Range{"a b.go": {{1, 1}}, "q\"\u00e4.go": {{1, 1}}},
		},
		{name: "no hunk", in: "+++ b/x\n@@ what @@\n", err: `line 2 of git's diff is not as expected: "@@ what @@"`},
		{name: "no number", in: "+++ b/x\n@@ -1 +99999999999999999999 @@\n", err: `line 2 of git's diff is not as expected: "@@ -1 +99999999999999999999 @@"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := map[string][]Range{}
			err := Parse(strings.NewReader(c.in), got)
			if c.err != "" {
				if err == nil || err.Error() != c.err {
					t.Errorf("got %v, want %s", err, c.err)
				}
				return
			}
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %v, %v; want %v", got, err, c.want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add("diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -3 +3,2 @@ f\n-a\n+b\n+c\n\\ No newline\n")
	f.Fuzz(func(t *testing.T, in string) {
		files := map[string][]Range{}
		if Parse(strings.NewReader(in), files) != nil {
			return
		}
		for name, ranges := range files {
			last := -1
			for _, r := range ranges {
				if r.First <= last || r.Last < r.First || name == "" {
					t.Fatalf("%q: %v", name, ranges)
				}
				last = r.Last
			}
		}
	})
}

// TestSince makes a repository with a history that parts.
func TestSince(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	t.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	t.Setenv("GIT_CONFIG_SYSTEM", os.DevNull)
	for _, v := range []string{"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"} {
		t.Setenv(v, "")
		os.Unsetenv(v)
	}
	run := func(args ...string) {
		t.Helper()
		if _, err := git(dir, append([]string{"-c", "user.name=x", "-c", "user.email=x@localhost", "-c", "commit.gpgsign=false"}, args...)...); err != nil {
			t.Fatal(err)
		}
	}
	put := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	run("init", "-q", "-b", "main")
	put("a.go", "1\n2\n3\n4\n5\n")
	put("sub/b.go", "1\n")
	put(".gitignore", "ignored\n")
	run("add", ".")
	run("commit", "-qm", "first")
	run("checkout", "-qb", "work")
	put("a.go", "1\n2\nthree\n4\n5\n")
	run("commit", "-qam", "second")
	run("checkout", "-q", "main")
	put("sub/b.go", "main's own\n")
	run("commit", "-qam", "third")
	run("checkout", "-q", "work")
	put("a.go", "1\n2\nthree\n4\n5\n6\n7")
	put("sub/new.go", "x\ny")
	put("ignored", "x\n")

	got, err := Since(filepath.Join(dir, "sub"), "main")
	if err != nil {
		t.Fatal(err)
	}
	// What main changed by itself is not this branch's.
	if want := map[string][]Range{"a.go": {{3, 3}, {6, 7}}, "sub/new.go": {{1, 2}}}; !reflect.DeepEqual(got.Files, want) {
		t.Errorf("since main: got %v, want %v", got.Files, want)
	}
	if got, err = Since(dir, "HEAD"); err != nil {
		t.Fatal(err)
	}
	if want := map[string][]Range{"a.go": {{6, 7}}, "sub/new.go": {{1, 2}}}; !reflect.DeepEqual(got.Files, want) {
		t.Errorf("since HEAD: got %v, want %v", got.Files, want)
	}
	if _, err := Since(dir, "nowhere"); err == nil || !strings.HasPrefix(err.Error(), `"nowhere" is no revision of the repository in `) {
		t.Errorf("got %v", err)
	}
	if _, err := Since(dir, "--output=x"); err == nil {
		t.Error("an option was taken for a revision")
	}
}
