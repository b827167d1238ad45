package srcpath

import (
	"os"
	"path/filepath"
	"reflect"
	"sort"
	"strings"
	"testing"
)

// tree writes files below a new folder: "name" or "name: content".
func tree(t *testing.T, files ...string) string {
	t.Helper()
	// Never below a folder of the machine's that has a go.mod or go.work.
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		name, content, _ := strings.Cut(f, ": ")
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, ".go") && content == "" {
			content = "package p\n"
		}
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("GOFLAGS", "")
	t.Setenv("GOWORK", "")
	return dir
}

// check resolves the names of want and compares; a name that maps to itself is
// expected to be unknown.
func check(t *testing.T, r *Resolver, want map[string]string) {
	t.Helper()
	var names, unknown []string
	for n, p := range want {
		names = append(names, n)
		if n == p {
			unknown = append(unknown, n)
		}
	}
	sort.Strings(unknown)
	got, gotUnknown := r.Resolve(names)
	if !reflect.DeepEqual(got, want) || !reflect.DeepEqual(gotUnknown, unknown) {
		t.Errorf("got %q, unknown %q\nwant %q, unknown %q", got, gotUnknown, want, unknown)
	}
	again, _ := r.Resolve(names)
	if !reflect.DeepEqual(again, got) {
		t.Errorf("asked again: %q, first %q", again, got)
	}
}

// TestModule needs no go command: the tool does not exist.
func TestModule(t *testing.T) {
	dir := tree(t, "go.mod: // module x\nmodule \"example.com/m\" // comment\n", "main.go", "p/q/q.go", "nested/go.mod: module example.com/m/nested\n", "nested/n.go")
	check(t, New(dir, "", "/no/such/go"), map[string]string{
		"example.com/m/main.go":     "main.go",
		"example.com/m/p/q/q.go":    "p/q/q.go",
		"example.com/m/p/q/gone.go": "p/q/gone.go",
		"example.com/m/nested/n.go": "nested/n.go", // by its own go.mod
		"example.com/m/x/x.go":      "example.com/m/x/x.go",
		"example.com/mm/main.go":    "example.com/mm/main.go",
	})
	check(t, New(filepath.Join(dir, "p"), "", ""), map[string]string{
		"example.com/m/main.go":  "../main.go",
		"example.com/m/p/q/q.go": "q/q.go",
	})
	check(t, New(filepath.Join(dir, "p"), dir, ""), map[string]string{"example.com/m/p/q/q.go": "p/q/q.go"})
	if got, _ := New(dir, "", "").Resolve([]string{dir + "/p/q/q.go", "/usr/include/x.y"}); got[dir+"/p/q/q.go"] != "p/q/q.go" || got["/usr/include/x.y"] != "/usr/include/x.y" {
		t.Errorf("absolute names: %q", got)
	}
}

func TestWorkspace(t *testing.T) {
	dir := tree(t, "go.work: go 1.24\n\nuse (\n\t./a\n\t./libs/b\n)\n", "a/go.mod: module example.com/a\n\ngo 1.24\n", "a/cmd/x/main.go", "libs/b/go.mod: module example.com/b\n\ngo 1.24\n", "libs/b/b.go")
	want := map[string]string{"example.com/a/cmd/x/main.go": "a/cmd/x/main.go", "example.com/b/b.go": "libs/b/b.go"}
	check(t, New(dir, "", "go"), want)
	check(t, New(filepath.Join(dir, "a", "cmd"), dir, "go"), want)
	check(t, New(dir, "", ""), want) // without go: by the search for modules
}

// TestReplaceAndVendor: a module next door, and a vendored one, whose version
// says that it comes from a module cache.
func TestReplaceAndVendor(t *testing.T) {
	files := []string{
		"m/go.mod: module example.com/m\n\ngo 1.24\n\nrequire (\n\texample.com/lib v1.0.0\n\texample.com/dep v1.2.3\n)\n\nreplace example.com/lib => ../elsewhere\n",
		"m/main.go: package main\n\nimport (\n\t_ \"example.com/dep/d\"\n\t_ \"example.com/lib/l\"\n)\n\nfunc main() {}\n",
		"elsewhere/go.mod: module example.com/other\n\ngo 1.24\n", "elsewhere/l/l.go",
	}
	vendored := append([]string{
		"m/vendor/modules.txt: # example.com/dep v1.2.3\n## explicit\nexample.com/dep/d\n# example.com/lib v1.0.0 => ../elsewhere\n## explicit\nexample.com/lib/l\n# example.com/lib => ../elsewhere\n",
		"m/vendor/example.com/dep/d/d.go", "m/vendor/example.com/lib/l/l.go",
	}, files...)
	dir := tree(t, files...)
	check(t, New(filepath.Join(dir, "m"), "", "go"), map[string]string{
		"example.com/m/main.go":  "main.go",
		"example.com/lib/l/l.go": "../elsewhere/l/l.go",
		"example.com/dep/d/d.go": "example.com/dep/d/d.go",
	})
	dir = tree(t, vendored...)
	check(t, New(filepath.Join(dir, "m"), "", "go"), map[string]string{
		"example.com/m/main.go":  "main.go",
		"example.com/lib/l/l.go": "vendor/example.com/lib/l/l.go",
		"example.com/dep/d/d.go": "vendor/example.com/dep/d/d.go",
	})
}

// TestForeign: the standard library and a module cache keep absolute names.
func TestForeign(t *testing.T) {
	dir := tree(t, "go.mod: module example.com/m\n\ngo 1.24\n", "m.go")
	got, unknown := New(dir, "", "go").Resolve([]string{"net/url/url.go", "example.com/m/m.go"})
	if len(unknown) != 0 || !filepath.IsAbs(got["net/url/url.go"]) || !strings.HasSuffix(got["net/url/url.go"], "/src/net/url/url.go") || got["example.com/m/m.go"] != "m.go" {
		t.Errorf("got %q, unknown %q", got, unknown)
	}
}

// TestOtherModules: no go.work, a program of a module of its own.
func TestOtherModules(t *testing.T) {
	dir := tree(t, ".git: x", "go.mod: module example.com/m\n\ngo 1.24\n", "tools/prog/go.mod: module example.com/prog\n", "tools/prog/x/x.go",
		"tools/prog/deep/go.mod: module example.com/prog/deep\n", "tools/prog/deep/d.go", "node_modules/go.mod: module example.com/hidden\n", "node_modules/h.go")
	check(t, New(filepath.Join(dir, "tools"), dir, "go"), map[string]string{
		"example.com/prog/x/x.go":    "tools/prog/x/x.go",
		"example.com/prog/deep/d.go": "tools/prog/deep/d.go",
		"example.com/hidden/h.go":    "example.com/hidden/h.go",
	})
}

func FuzzNames(f *testing.F) {
	f.Add("example.com/m/x.go")
	f.Add("../../x.go")
	f.Add("-x/y")
	dir, err := os.MkdirTemp("", "srcpath")
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module example.com/m\n"), 0o644); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, name string) {
		got, unknown := New(dir, "", "").Resolve([]string{name})
		if len(got) != 1 || len(unknown) > 1 || got[name] == "" && name != "" {
			t.Errorf("%q: %q, %q", name, got, unknown)
		}
	})
}
