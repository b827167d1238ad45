//go:build linux

package proof

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/covwrap/covwrap/embed/overlay"
)

// kind is a way to build the subject.
type kind struct {
	name     string
	carrier  string   // "import" or "overlay"
	mode     string   // -covermode; empty: the program is not covered
	flags    []string // of go build
	coverpkg string   // empty: the module
	dir      string   // of the program below testdata; empty: subject
	files    []string // of the program, besides main.go
	env      []string
	goroot   string // empty: of the go command on PATH
	many     int    // functions that are not called at start
	edges    bool   // the counters at the edges cannot be mapped

	once sync.Once
	bin  string
	err  error
}

var kinds = []*kind{
	{name: "import", carrier: "import", mode: "set"},
	{name: "overlay", carrier: "overlay", mode: "set"},
	{name: "count", carrier: "overlay", mode: "count"},
	{name: "atomic", carrier: "import", mode: "atomic"},
	{name: "pie", carrier: "overlay", mode: "atomic", flags: []string{"-buildmode=pie"}},
	{name: "pie-import", carrier: "import", mode: "count", flags: []string{"-buildmode=pie"}},
	{name: "stripped", carrier: "overlay", mode: "count", flags: []string{"-ldflags=-s -w", "-trimpath"}},
	{name: "cgo-external", carrier: "import", mode: "count", flags: []string{"-ldflags=-linkmode=external"}, files: []string{"cgo.go"}, env: []string{"CGO_ENABLED=1"}},
	{name: "cgo-external-pie", carrier: "overlay", mode: "count", flags: []string{"-buildmode=pie", "-ldflags=-linkmode=external"}, files: []string{"cgo.go"}, env: []string{"CGO_ENABLED=1"}},
	{name: "cgo-static", carrier: "overlay", mode: "count", flags: []string{"-ldflags=-linkmode=external -extldflags=-static"}, files: []string{"cgo.go"}, env: []string{"CGO_ENABLED=1"}},
	{name: "cgo-static-pie", carrier: "import", mode: "count", flags: []string{"-buildmode=pie", "-ldflags=-linkmode=external -extldflags=-static-pie"}, files: []string{"cgo.go"}, env: []string{"CGO_ENABLED=1"}},
	{name: "race", carrier: "overlay", mode: "atomic", flags: []string{"-race"}, env: []string{"CGO_ENABLED=1"}},
	{name: "race-import", carrier: "import", mode: "atomic", flags: []string{"-race"}, env: []string{"CGO_ENABLED=1"}},
	{name: "tree", carrier: "tree", mode: "count"},
	{name: "coverpkg-all", carrier: "tree", mode: "atomic", coverpkg: "all"},
	{name: "many", carrier: "overlay", mode: "count", many: 10000},
	{name: "big", carrier: "overlay", mode: "count", files: []string{"big.go"}, edges: true},
}

// plain is the subject without coverage, to compare with.
var (
	plain    = &kind{name: "plain"}
	plainCgo = &kind{name: "plain-cgo", flags: []string{"-ldflags=-linkmode=external"}, files: []string{"cgo.go"}, env: []string{"CGO_ENABLED=1"}}
)

func kindNamed(t *testing.T, name string) *kind {
	t.Helper()
	for _, k := range kinds {
		if k.name == name {
			return k
		}
	}
	t.Fatalf("no kind %q", name)
	return nil
}

func (k *kind) cgo() bool { return slices.Contains(k.env, "CGO_ENABLED=1") }

// build returns the subject's path.
func (k *kind) build(t *testing.T) string {
	t.Helper()
	if k.coverpkg == "all" && strings.HasPrefix(runtime.Version(), "go1.24") {
		t.Skip("Go 1.24 itself fails: \"internal error in coverage meta-data tracking\"")
	}
	k.once.Do(func() { k.bin, k.err = k.make(cmp.Or(k.goroot, goroot(t))) })
	if k.err != nil {
		t.Fatal(k.err)
	}
	return k.bin
}

func (k *kind) make(goroot string) (bin string, err error) {
	dir := filepath.Join(root, k.name) // of the build
	files := append([]string{"main.go", "../subject/work/work.go"}, k.files...)
	if k.carrier == "import" {
		files = append(files, "../subject/import.go")
	}
	for _, f := range files {
		if err := copyFile(filepath.Join(dir, strings.TrimPrefix(f, "../subject/")), filepath.Join("testdata", cmp.Or(k.dir, "subject"), f)); err != nil {
			return "", err
		}
	}
	if k.many > 0 {
		if err := os.WriteFile(filepath.Join(dir, "many.go"), []byte(manyFunctions(k.many)), 0o666); err != nil {
			return "", err
		}
	}
	repo, err := filepath.Abs("../../..")
	if err != nil {
		return "", err
	}
	mod := "module example.com/subject\n\ngo 1.24\n"
	if k.carrier == "import" || k.dir != "" {
		mod += "require github.com/covwrap/covwrap v0.0.0\nreplace github.com/covwrap/covwrap => " + repo + "\n"
	}
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte(mod), 0o666); err != nil {
		return "", err
	}
	bin = filepath.Join(dir, "subject")
	args := append([]string{"build", "-mod=mod", "-o", bin}, k.flags...)
	if k.mode != "" {
		args = append(args, "-cover", "-covermode="+k.mode, "-coverpkg="+cmp.Or(k.coverpkg, "./..."))
	}
	carrier := k.carrier
	if carrier == "overlay" && strings.Contains(goroot, "/golang.org/toolchain@") {
		carrier = "tree" // the go command fetched it, and refuses the overlay
	}
	if carrier == "overlay" {
		file, err := overlay.Write(filepath.Join(root, "overlay-"+k.name), goroot)
		if err != nil {
			return "", err
		}
		args = append(args, "-overlay="+file)
	}
	// GOROOT: go test gives its own to the tests that it runs.
	env := append([]string{"GOFLAGS=", "GOWORK=off", "PWD=" + dir, "CGO_ENABLED=0", "GOTOOLCHAIN=local", "GOROOT=" + goroot}, k.env...)
	if carrier == "tree" {
		tree, err := overlay.Tree(filepath.Join(root, "trees"), goroot)
		if err != nil {
			return "", err
		}
		env = append(env, "GOROOT="+tree)
	}
	cmd := exec.Command(filepath.Join(goroot, "bin", "go"), args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return bin, nil
}

// manyFunctions is a file with n functions, which the variable later calls.
func manyFunctions(n int) string {
	var b strings.Builder
	b.WriteString("package main\n\nfunc init() {\n\tlater = func() {\n\t\tfor _, f := range all {\n\t\t\tf(2)\n\t\t}\n\t}\n}\n\n")
	for i := range n {
		fmt.Fprintf(&b, "func f%d(x int) int {\n\tif x > 1 {\n\t\tx++\n\t}\n\treturn x\n}\n\n", i)
	}
	b.WriteString("var all = []func(int) int{\n")
	for i := range n {
		fmt.Fprintf(&b, "\tf%d,\n", i)
	}
	return b.String() + "}\n"
}

func goroot(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatalf("go env GOROOT: %v: these tests need the go command", err)
	}
	return strings.TrimSpace(string(out))
}

func copyFile(to, from string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
		return err
	}
	return os.WriteFile(to, text, 0o666)
}

// root holds the built subjects. It is open to all, for the tests with another
// user.
var root string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		var err error
		if root, err = os.MkdirTemp("", "covwrap-proof-"); err != nil {
			panic(err)
		}
		defer os.RemoveAll(root)
		if err := os.Chmod(root, 0o777); err != nil {
			panic(err)
		}
		return m.Run()
	}())
}
