package overlay

import (
	"encoding/json"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func goroot(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Skipf("no go command: %v", err)
	}
	return strings.TrimSpace(string(out))
}

// TestFiles: what is added belongs to the packages that it joins, and needs
// nothing of this module.
func TestFiles(t *testing.T) {
	files, err := Files(goroot(t))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if filepath.Ext(name) != ".go" {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ImportsOnly)
		if err != nil {
			t.Error(err)
			continue
		}
		if dir := filepath.Base(filepath.Dir(name)); f.Name.Name != dir {
			t.Errorf("%s is of package %s, want %s", name, f.Name.Name, dir)
		}
		for _, i := range f.Imports {
			if strings.Contains(i.Path.Value, ".") {
				t.Errorf("%s imports %s", name, i.Path.Value)
			}
		}
		if strings.Contains(string(text), "go:build covwrap") {
			t.Errorf("%s is excluded by its build constraint", name)
		}
	}
	for _, name := range []string{
		"src/internal/coverage/cfile/hooks.go", "src/internal/coverage/cfile/covwrap.go",
		"src/internal/coverage/uleb128/covwrap_start_linux.go", "src/internal/coverage/uleb128/covwrap_early.go", "src/internal/coverage/uleb128/covwrap_empty.s",
	} {
		if len(files[name]) == 0 {
			t.Errorf("%s is missing", name)
		}
	}
	hooks := string(files["src/internal/coverage/cfile/hooks.go"])
	if strings.Count(hooks, "func stockInitHook(istest bool) {") != 1 || strings.Contains(hooks, "func InitHook(") {
		t.Errorf("Go's own hook:\n%s", hooks)
	}
}

// TestWrite: the same call again changes nothing.
func TestWrite(t *testing.T) {
	goroot := goroot(t)
	dir := filepath.Join(t.TempDir(), "a", "b")
	path, err := Write(dir, goroot)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var overlay struct{ Replace map[string]string }
	if err := json.Unmarshal(text, &overlay); err != nil {
		t.Fatal(err)
	}
	files, err := Files(goroot)
	if err != nil || len(overlay.Replace) != len(files) {
		t.Fatalf("%v; %d files in %s, want %d", err, len(overlay.Replace), path, len(files))
	}
	before := map[string]os.FileInfo{}
	for from, to := range overlay.Replace {
		rel, err := filepath.Rel(goroot, from)
		if err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(to)
		if err != nil || string(content) != string(files[filepath.ToSlash(rel)]) {
			t.Errorf("%s: %v, or other content", to, err)
		}
		if before[to], err = os.Stat(to); err != nil {
			t.Fatal(err)
		}
	}
	if again, err := Write(dir, goroot); again != path || err != nil {
		t.Errorf("again: %s, %v", again, err)
	}
	for to, info := range before {
		if now, err := os.Stat(to); err != nil || !os.SameFile(info, now) || !now.ModTime().Equal(info.ModTime()) {
			t.Errorf("%s was written again (%v)", to, err)
		}
	}
}

func TestUnknownGo(t *testing.T) {
	goroot := t.TempDir()
	hooks := filepath.Join(goroot, "src", "internal", "coverage", "cfile", "hooks.go")
	if _, err := Files(goroot); err == nil || !strings.Contains(err.Error(), "covwrap needs the source of Go's standard library: open "+hooks) {
		t.Errorf("no source: %v", err)
	}
	if err := os.MkdirAll(filepath.Dir(hooks), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(hooks, []byte("package cfile\n\nfunc InitHook(istest, fuzz bool) {\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	want := hooks + `: "func InitHook(istest bool) {" is there 0 times, not once: covwrap does not know this version of Go yet; use one from 1.24 to 1.26`
	for _, f := range []func() error{
		func() error { _, err := Files(goroot); return err },
		func() error { _, err := Write(t.TempDir(), goroot); return err },
		func() error { _, err := Tree(t.TempDir(), goroot); return err },
	} {
		if err := f(); err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}

// TestTree: links to everything but the changed files, made once.
func TestTree(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need a privilege")
	}
	goroot := goroot(t)
	parent := t.TempDir()
	tree, err := Tree(parent, goroot)
	if err != nil {
		t.Fatal(err)
	}
	files, err := Files(goroot)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		if got, err := os.ReadFile(filepath.Join(tree, name)); err != nil || string(got) != string(want) {
			t.Errorf("%s: %v, or other content", name, err)
		}
		if info, err := os.Lstat(filepath.Join(tree, name)); err != nil || !info.Mode().IsRegular() {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	for _, name := range []string{"src/fmt/print.go", "src/cmd", "pkg", "bin", "VERSION"} {
		to, err := os.Readlink(filepath.Join(tree, name))
		if err != nil || to != filepath.Join(goroot, name) {
			t.Errorf("%s is a link to %q, %v", name, to, err)
		}
	}
	if info, err := os.Lstat(filepath.Join(tree, "src", "fmt")); err != nil || !info.IsDir() {
		t.Errorf("src/fmt: %v, %v; a pattern such as std would not find a link", info, err)
	}
	if again, err := Tree(parent, goroot); again != tree || err != nil {
		t.Errorf("again: %s, %v; want %s", again, err, tree)
	}
	if entries, err := os.ReadDir(parent); err != nil || len(entries) != 1 {
		t.Errorf("left beside the tree: %v, %v", entries, err)
	}
}
