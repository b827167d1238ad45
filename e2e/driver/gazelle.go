package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// runGazelle has Gazelle write BUILD files with covwrap's rules, in a copy of
// e2e/gazelle/src, and uses them.
func runGazelle(r *report) {
	home := filepath.Join(r.root, "e2e", "gazelle")
	w := workspace{r, filepath.Join(home, "work")}
	if err := errors.Join(os.RemoveAll(w.dir), os.CopyFS(w.dir, os.DirFS(filepath.Join(home, "src")))); err != nil {
		r.check("copy", err)
		return
	}
	defer w.shutdown()

	gazelle := func(name string) {
		_, err := w.bazel(nil, "run", "//:gazelle")
		files, broken := buildFiles(w.dir)
		if err = errors.Join(err, broken); err != nil {
			r.check(name, err)
			return
		}
		r.golden(name, files, filepath.Join(home, "expected", "builds-"+name+".txt"))
	}
	gazelle("first")

	// A person sets attributes of both kinds of rules; then the test's source wants one more dependency.
	err := errors.Join(
		edit(filepath.Join(w.dir, "greet", "BUILD.bazel"),
			`    srcs = ["greet_test.go"],`,
			"    size = \"small\",\n    srcs = [\"greet_test.go\"],\n    grace = \"1s\","),
		edit(filepath.Join(w.dir, "greet", "greet_test.go"),
			`import "testing"`,
			"import (\n\t\"testing\"\n\n\t\"example.com/user/words\"\n)"),
		edit(filepath.Join(w.dir, "greet", "greet_test.go"), `"hello, you"`, `words.Hello()+", you"`),
	)
	r.check("edit", err)
	gazelle("merged")

	stdout, err := w.bazel(nil, "test", "//...")
	r.check("test", err)
	r.equal("test result", results(stdout)["//greet:greet_test"], "PASSED")
	_, err = w.bazel(nil, "coverage", "//...")
	r.check("coverage", err)
	tracefile, err := w.read("greet/greet_test/coverage.dat")
	if err != nil {
		r.check("coverage tracefile", err)
		return
	}
	r.golden("coverage tracefile", tracefile, filepath.Join(home, "expected", "greet_test.lcov"))
}

// buildFiles returns all BUILD files below dir in one text.
func buildFiles(dir string) (string, error) {
	var all strings.Builder
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Name() != "BUILD.bazel" {
			return err
		}
		content, err := os.ReadFile(filepath.Join(dir, path))
		fmt.Fprintf(&all, "==> %s\n%s", path, content)
		return err
	})
	return all.String(), err
}

// edit replaces text, which has to be there once, in a file.
func edit(file, old, new string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if strings.Count(string(content), old) != 1 {
		return fmt.Errorf("%s: %q is not there exactly once", file, old)
	}
	return os.WriteFile(file, []byte(strings.Replace(string(content), old, new, 1)), 0o666)
}
