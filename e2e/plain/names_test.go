//go:build linux

package plain

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const mainFile = "package main\n\nimport (\n\t\"example.com/dep/d\"\n\t\"example.com/lib/l\"\n\t\"example.com/m/p\"\n)\n\nfunc main() {\n\tp.F()\n\tl.F()\n\td.F()\n}\n"

func pkg(name string) string { return "package " + name + "\n\nfunc F() {\n\tn++\n}\n\nvar n int\n" }

// sources returns the names of the source files in a tracefile.
func sources(t *testing.T, name string) []string {
	t.Helper()
	var files []string
	for _, line := range strings.Split(read(t, name), "\n") {
		if f, ok := strings.CutPrefix(line, "SF:"); ok {
			files = append(files, f)
		}
	}
	slices.Sort(files)
	return files
}

// TestNames: the names of source files in tracefiles are paths of the working
// tree, wherever a package lies and wherever in the tree covwrap was started.
func TestNames(t *testing.T) {
	gomod := "module example.com/m\n\ngo 1.24\n\nrequire (\n\texample.com/dep v1.2.3\n\texample.com/lib v1.0.0\n)\n\nreplace (\n\texample.com/dep => ./third_party/dep\n\texample.com/lib => ../lib\n)\n"
	common := map[string]string{
		"lib/go.mod": "module example.com/lib\n\ngo 1.24\n", "lib/l/l.go": pkg("l"),
		"m/cmd/x/main.go": mainFile, "m/p/p.go": pkg("p"),
		"m/third_party/dep/go.mod": "module example.com/dep\n\ngo 1.24\n", "m/third_party/dep/d/d.go": pkg("d"),
	}
	for _, c := range []struct {
		name  string
		files map[string]string
		dir   string // where covwrap is started
		build string // the package to build, from there
		run   []string
		want  []string
	}{
		{"replaced", map[string]string{"m/go.mod": gomod}, "m", "./cmd/x", nil,
			[]string{"../lib/l/l.go", "cmd/x/main.go", "p/p.go", "third_party/dep/d/d.go"}},
		{"below the root", map[string]string{"m/go.mod": gomod}, "m/cmd", "./x", nil,
			[]string{"../../lib/l/l.go", "../p/p.go", "../third_party/dep/d/d.go", "x/main.go"}},
		{"with a root", map[string]string{"m/go.mod": gomod}, "m/cmd", "./x", []string{"--root", ".."},
			[]string{"../lib/l/l.go", "cmd/x/main.go", "p/p.go", "third_party/dep/d/d.go"}},
		{"workspace", map[string]string{
			"m/go.mod": "module example.com/m\n\ngo 1.24\n",
			"go.work":  "go 1.24\n\nuse (\n\t./lib\n\t./m\n\t./m/third_party/dep\n)\n",
		}, ".", "./m/cmd/x", nil,
			[]string{"lib/l/l.go", "m/cmd/x/main.go", "m/p/p.go", "m/third_party/dep/d/d.go"}},
		{"vendor", map[string]string{
			"m/go.mod":                        gomod,
			"m/vendor/modules.txt":            "# example.com/dep v1.2.3 => ./third_party/dep\n## explicit; go 1.24\nexample.com/dep/d\n# example.com/lib v1.0.0 => ../lib\n## explicit; go 1.24\nexample.com/lib/l\n# example.com/dep => ./third_party/dep\n# example.com/lib => ../lib\n",
			"m/vendor/example.com/dep/d/d.go": pkg("d"), "m/vendor/example.com/lib/l/l.go": pkg("l"),
		}, "m", "./cmd/x", nil,
			[]string{"cmd/x/main.go", "p/p.go", "vendor/example.com/dep/d/d.go", "vendor/example.com/lib/l/l.go"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := folder(t)
			write(t, root, common)
			write(t, root, c.files)
			dir, bin := filepath.Join(root, c.dir), folder(t)
			must(t, dir, nil, covwrap, "go", "build", "-coverpkg=example.com/...", "-o", bin+"/x", c.build)
			must(t, dir, nil, covwrap, slices.Concat([]string{"run", "--lcov", bin + "/out"}, c.run, []string{"--", bin + "/x"})...)
			if got := sources(t, bin+"/out"); !slices.Equal(got, c.want) {
				t.Errorf("source files %q, want %q", got, c.want)
			}
		})
	}
}
