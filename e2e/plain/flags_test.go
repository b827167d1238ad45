//go:build linux

package plain

import (
	"path/filepath"
	"strings"
	"testing"
)

// flagged is a module whose program says which flags it was built with, and is
// then killed.
var flagged = map[string]string{
	"go.mod": "module example.com/m\n\ngo 1.24\n",
	"main.go": `package main

import (
	"fmt"
	"syscall"

	"example.com/m/p"
)

var version string

func main() {
	for range 3 {
		p.F()
	}
	fmt.Println(p.Name, version)
	syscall.Kill(syscall.Getpid(), syscall.SIGKILL)
}
`,
	"p/p.go":      "package p\n\nfunc F() {\n\tf()\n}\n",
	"p/plain.go":  "//go:build !special\n\npackage p\n\nconst Name = \"plain\"\n\nfunc f() {\n\tn--\n}\n\nvar n int\n",
	"p/tagged.go": "//go:build special\n\npackage p\n\nconst Name = \"tagged\"\n\nfunc f() {\n\tn++\n}\n\nvar n int\n",
}

// TestFlags: the go command's own flags mean what they always mean, from the
// command line and from GOFLAGS.
func TestFlags(t *testing.T) {
	const (
		main   = "example.com/m/main.go:12.13,13.14 1 1\nexample.com/m/main.go:13.14,15.3 1 3\nexample.com/m/main.go:16.2,17.49 2 1\n"
		p      = "example.com/m/p/p.go:3.10,5.2 1 3\n"
		plain  = "example.com/m/p/plain.go:7.10,9.2 1 3\n"
		tagged = "example.com/m/p/tagged.go:7.10,9.2 1 3\n"
	)
	for _, c := range []struct {
		name    string
		goflags string
		flags   []string
		says    string
		profile string
	}{
		{"none", "", nil, "plain \n", "mode: set\n" + strings.ReplaceAll(main+p+plain, " 3\n", " 1\n")},
		{"covermode", "", []string{"-covermode=count"}, "plain \n", "mode: count\n" + main + p + plain},
		{"coverpkg", "", []string{"-covermode=count", "-coverpkg=example.com/m"}, "plain \n", "mode: count\n" + main},
		{"tags and ldflags", "", []string{"-covermode=atomic", "-tags=special", "-ldflags=-X main.version=a=b"}, "tagged a=b\n", "mode: atomic\n" + main + p + tagged},
		{"GOFLAGS", "-covermode=atomic -coverpkg=example.com/m/... -tags=special '-ldflags=-X main.version=c=d'", nil, "tagged c=d\n", "mode: atomic\n" + main + p + tagged},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := folder(t)
			write(t, dir, flagged)
			must(t, dir, []string{"GOFLAGS=" + c.goflags}, covwrap, append(append([]string{"go", "build", "-o=x"}, c.flags...), ".")...)
			r := try(t, dir, nil, covwrap, "run", "--quiet", "--profile", "out", "--", "./x")
			if r.status != -1 || r.stdout != c.says || r.stderr != "" {
				t.Errorf("%+v; want it killed after it printed %q", r, c.says)
			}
			if got := read(t, filepath.Join(dir, "out")); got != c.profile {
				t.Errorf("profile:\n%swant:\n%s", got, c.profile)
			}
		})
	}
}

// TestNoMain: a program whose package main is not in -coverpkg has nothing that
// could keep or write its counters, by go build -cover as well; that is said.
func TestNoMain(t *testing.T) {
	dir := folder(t)
	write(t, dir, flagged)
	must(t, dir, nil, covwrap, "go", "build", "-coverpkg=example.com/m/p", "-o=x", ".")
	r := try(t, dir, nil, covwrap, "run", "--", "./x")
	if r.status != -1 || !strings.Contains(r.stderr, "-coverpkg that its package main is part of") || !strings.HasPrefix(r.stderr, "covwrap: spawned 1, covered 1, collected 0; missing: ") {
		t.Errorf("%+v; want the process named, and how to mend it", r)
	}
}
