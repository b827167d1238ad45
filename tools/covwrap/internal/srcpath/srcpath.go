// Package srcpath turns the file names of Go's coverage data, an import path
// and a base name ("example.com/m/p/x.go"), into paths of the working tree,
// which is what editors, genhtml and code hosts look for.
//
// Three sources are asked, the cheapest first, each only for what is left:
//
//  1. go.mod of the folder: a package of the main module lies where its import
//     path says, unless a go.work may say otherwise.
//  2. The go command ("go list"), started once: workspaces, vendor folders,
//     replaced modules, the module cache, the standard library.
//  3. Other modules below the repository's root, for programs that are built
//     from a module of their own.
package srcpath

import (
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"sort"
	"strings"
)

// Resolver resolves names for one collection. It starts nothing before it is
// asked and remembers what it found. Not for concurrent use.
type Resolver struct {
	dir  string // where the go command is to run: decides go.mod and go.work
	root string // what the names are made relative to
	tool string // go command; "" to do without
	dirs map[string]place
}

// place is where a package lies; the zero place is unknown.
type place struct {
	dir string
	// foreign is true for the module cache and the standard library: not
	// files that the user works on.
	foreign bool
}

// New returns a resolver for a command that was started in dir (absolute).
// Names come out relative to root, "" meaning dir. tool is the go command to
// ask, "" for none.
func New(dir, root, tool string) *Resolver {
	if root == "" {
		root = dir
	}
	return &Resolver{dir: dir, root: root, tool: tool, dirs: map[string]place{}}
}

// Resolve returns a path for each name: relative to the root with forward
// slashes, beginning with "../" where the working tree reaches out of it (a
// replaced module next door); absolute for what is no part of the working tree
// (module cache, standard library). A name that nobody knows is returned as it
// came and listed in unknown, sorted.
func (r *Resolver) Resolve(names []string) (paths map[string]string, unknown []string) {
	want := map[string][]string{} // import path: base names
	for _, n := range names {
		if pkg := path.Dir(n); !isAbs(n) && r.dirs[pkg].dir == "" {
			want[pkg] = append(want[pkg], path.Base(n))
		}
	}
	r.fromModule(want)
	r.fromGo(want)
	r.fromTree(want)
	paths = make(map[string]string, len(names))
	for _, n := range names {
		switch p := r.dirs[path.Dir(n)]; {
		case isAbs(n):
			paths[n] = r.name(filepath.FromSlash(n), true)
		case p.dir == "":
			paths[n] = n
			unknown = append(unknown, n)
		default:
			paths[n] = r.name(filepath.Join(p.dir, path.Base(n)), p.foreign)
		}
	}
	sort.Strings(unknown)
	return paths, unknown
}

// isAbs reports whether a name is a file name already, which Go writes for
// packages that have no import path.
func isAbs(name string) bool {
	return path.IsAbs(name) || filepath.IsAbs(name)
}

// name makes a file name relative to the root if the file is part of the
// working tree. The way from there to a module cache would be wrong on every
// other machine, and harder to read than the absolute name.
func (r *Resolver) name(file string, foreign bool) string {
	rel, err := filepath.Rel(r.root, file)
	if err != nil || foreign && !within(r.top(), file) && !within(r.root, file) {
		return filepath.ToSlash(file)
	}
	return filepath.ToSlash(rel)
}

// found notes the folder of a package and takes it off the list.
func (r *Resolver) found(want map[string][]string, pkg string, p place) {
	r.dirs[pkg] = p
	delete(want, pkg)
}

// fromModule looks below the nearest go.mod.
func (r *Resolver) fromModule(want map[string][]string) {
	if len(want) == 0 || inWorkspace(r.dir) {
		return
	}
	root := above(r.dir, "go.mod")
	if root == "" {
		return
	}
	module := modulePath(filepath.Join(root, "go.mod"))
	for pkg, files := range want {
		if dir, ok := inside(module, root, pkg); ok && hasAny(dir, files) && !ownModule(root, dir) {
			r.found(want, pkg, place{dir: dir})
		}
	}
}

// inWorkspace reports whether a go.work takes part.
func inWorkspace(dir string) bool {
	switch os.Getenv("GOWORK") {
	case "":
		return above(dir, "go.work") != ""
	case "off":
		return false
	}
	return true
}

// above returns the nearest folder, dir or one above it, that has an entry of
// that name, "" if none has.
func above(dir, name string) string {
	for {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			return ""
		}
		dir = up
	}
}

// inside returns where a package lies if it is one of the module's.
func inside(module, root, pkg string) (dir string, ok bool) {
	if module == "" {
		return "", false
	}
	if pkg == module {
		return root, true
	}
	rest, ok := strings.CutPrefix(pkg, module+"/")
	return filepath.Join(root, filepath.FromSlash(rest)), ok
}

// hasAny reports whether one of the files is in the folder. All need not be: a
// file may exist in an overlay only.
func hasAny(dir string, files []string) bool {
	for _, f := range files {
		if fi, err := os.Stat(filepath.Join(dir, f)); err == nil && fi.Mode().IsRegular() {
			return true
		}
	}
	return false
}

// ownModule reports whether dir, below root, belongs to a module nested in it.
func ownModule(root, dir string) bool {
	nested := above(dir, "go.mod")
	return nested != root
}

// batch bounds the length of one go command line, far below what any system
// allows.
const batch = 32 << 10

// fromGo asks the go command. It runs without the network: a name is not worth
// a download, and not worth waiting for one.
func (r *Resolver) fromGo(want map[string][]string) {
	if r.tool == "" || len(want) == 0 {
		return
	}
	var pkgs []string
	for pkg := range want {
		if pkg != "." && !strings.HasPrefix(pkg, "-") {
			pkgs = append(pkgs, pkg)
		}
	}
	sort.Strings(pkgs)
	for len(pkgs) > 0 {
		n, size := 0, 0
		for n < len(pkgs) && size < batch {
			size += len(pkgs[n]) + 1
			n++
		}
		for pkg, p := range r.list(pkgs[:n]) {
			if want[pkg] != nil {
				r.found(want, pkg, p)
			}
		}
		pkgs = pkgs[n:]
	}
}

// listed is what "go list" prints of a package: path, folder, whether it is
// the standard library's, and the version of the module that provides it,
// which a folder of the user's (main module, workspace, replacement) has not.
const listed = `{{.ImportPath}}{{"\t"}}{{.Dir}}{{"\t"}}{{.Standard}}{{"\t"}}` +
	`{{with .Module}}{{if .Replace}}{{.Replace.Version}}{{else}}{{.Version}}{{end}}{{end}}`

// list runs "go list" for the packages. Failure means that nothing is known,
// which the caller says by name; the go command's own words would not help.
func (r *Resolver) list(pkgs []string) map[string]place {
	cmd := exec.Command(r.tool, append([]string{"list", "-e", "-find", "-f", listed, "--"}, pkgs...)...)
	cmd.Dir = r.dir
	cmd.Env = append(os.Environ(), "GOPROXY=off", "PWD="+r.dir)
	out, _ := cmd.Output()
	dirs := map[string]place{}
	for _, line := range strings.Split(string(out), "\n") {
		if f := strings.Split(line, "\t"); len(f) == 4 && f[1] != "" {
			dirs[f[0]] = place{dir: f[1], foreign: f[2] == "true" || f[3] != ""}
		}
	}
	return dirs
}

// Bounds of the search through a repository: enough for any that a person
// knows by heart, and never minutes.
const (
	maxFolders = 20000
	maxDepth   = 8
)

// fromTree looks for other modules in the repository. The longest module path
// wins, as in the go command.
func (r *Resolver) fromTree(want map[string][]string) {
	if len(want) == 0 {
		return
	}
	modules := modulesBelow(r.top())
	for pkg, files := range want {
		for _, m := range modules {
			if dir, ok := inside(m.path, m.root, pkg); ok && hasAny(dir, files) && !ownModule(m.root, dir) {
				r.found(want, pkg, place{dir: dir})
				break
			}
		}
	}
}

// top returns the root of the repository that the command was started in; if
// it is none, the workspace's or the module's, or the folder itself.
func (r *Resolver) top() string {
	for _, name := range [...]string{".git", ".hg", ".jj", "go.work", "go.mod"} {
		if dir := above(r.dir, name); dir != "" {
			return dir
		}
	}
	return r.dir
}

type module struct{ path, root string }

// modulesBelow lists the modules at and below top, longest path first.
func modulesBelow(top string) []module {
	var list []module
	folders := 0
	filepath.WalkDir(top, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return nil // what cannot be read cannot be the answer either
		case !d.IsDir():
			if d.Name() == "go.mod" {
				if p := modulePath(name); p != "" {
					list = append(list, module{p, filepath.Dir(name)})
				}
			}
			return nil
		}
		if folders++; folders > maxFolders {
			return fs.SkipAll
		}
		rel, _ := filepath.Rel(top, name)
		if rel != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules" || d.Name() == "vendor" || strings.Count(rel, string(filepath.Separator)) >= maxDepth) {
			return fs.SkipDir
		}
		return nil
	})
	sort.SliceStable(list, func(i, j int) bool { return len(list[i].path) > len(list[j].path) })
	return list
}

// modulePath reads the module line of a go.mod file, "" if there is none.
func modulePath(file string) string {
	data, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	for _, line := range strings.Split(string(data), "\n") {
		line, _, _ = strings.Cut(line, "//")
		f := strings.Fields(line)
		if len(f) == 2 && f[0] == "module" {
			return strings.Trim(f[1], "\"`")
		}
	}
	return ""
}

// within reports whether the file lies in the folder or below it.
func within(dir, file string) bool {
	rel, err := filepath.Rel(dir, file)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}
