// Package gobuild makes go command lines build programs that carry covwrap's
// runtime: it adds "-cover" and "-overlay", keeps everything that the user
// said, and finds out where a coverage profile is to go.
package gobuild

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/covwrap/covwrap/tools/covwrap/internal/carrier"
	"github.com/covwrap/covwrap/tools/covwrap/internal/gocmd"
)

// Runtime returns the files that put the runtime into the standard library at
// goroot, or an error that says which Go versions can have it.
type Runtime func(goroot string) (map[string][]byte, error)

// Builder adds the runtime to go commands.
type Builder struct {
	Tool    string // the go command
	Cache   string // folder for overlays, see carrier.Cache
	Runtime Runtime
}

// Command is a go command that is ready to run.
type Command struct {
	Tool string   // the go command; not always the one on PATH, see place
	Env  []string // variables to set for it
	Args []string // what follows "go"
	// Dir is where the go command runs in the end (-C), absolute.
	Dir string
	// Tests is true if it runs tests; Runs if it runs anything that was built.
	Tests, Runs bool
	// Warnings are for the user.
	Warnings []string
	// Profile is the file of "go test -coverprofile", absolute; "" if none.
	Profile string
}

// own are the flags that Plan takes out of the command line: -overlay since
// ours takes its place and contains the user's, -coverprofile if the caller
// writes the profile, -tags as -overlay where ours are needed.
const (
	overlayFlag = "overlay"
	profileFlag = "coverprofile"
	tagsFlag    = "tags"
)

// Plan returns the go command for the words that a user typed after "go". If
// goProfile is not "", the go command writes its own coverage profile there
// instead of the file that the user named, which is returned in Profile.
func (b *Builder) Plan(words []string, goProfile string) (*Command, error) {
	line := gocmd.Parse(words)
	if !gocmd.Builds(line.Sub) {
		return &Command{Tool: b.Tool, Args: words}, nil
	}
	dir, err := filepath.Abs(line.Dir)
	if err != nil {
		return nil, err
	}
	env, err := gocmd.Query(b.Tool, dir)
	if err != nil {
		return nil, err
	}
	goflags, err := gocmd.SplitGOFLAGS(env.GOFLAGS)
	if err != nil {
		return nil, err
	}
	inherited := gocmd.Parse(append([]string{line.Sub}, goflags...))
	user, ok := line.Lookup(overlayFlag)
	if !ok {
		user, _ = inherited.Lookup(overlayFlag)
	}
	tool, vars, goroot, err := b.place(env)
	if err != nil {
		return nil, err
	}
	overlay, err := b.overlay(env, goroot, user, dir)
	if err != nil {
		return nil, err
	}
	c := &Command{Tool: tool, Env: vars, Dir: dir}
	if user != "" {
		c.Warnings = shadowed(user, dir, goroot)
	}
	add := []string{"-cover", "-overlay=" + overlay}
	line = line.Without(overlayFlag)
	if !mapped(env) {
		tags, ok := line.Lookup(tagsFlag)
		if !ok {
			tags, _ = inherited.Lookup(tagsFlag)
		}
		line = line.Without(tagsFlag)
		add = append(add, "-"+tagsFlag+"="+withFlushes(tags))
	}
	switch line.Sub {
	case "run":
		c.Runs = true
	case "test":
		c.Tests = !has(line, "c") && !has(line, "list")
		c.Runs = c.Tests
		c.Profile = profile(line, dir)
		if c.Profile != "" && goProfile != "" {
			line = line.Without(profileFlag)
			add = append(add, "-"+profileFlag+"="+goProfile)
		}
		if c.Tests && !has(line, "count") && !has(inherited, "count") && !has(line, "fuzz") {
			// A cached result runs nothing: no process, no counters, and
			// no children's.
			add = append(add, "-count=1")
		}
	}
	c.Args = line.With(add...).Words()
	return c, nil
}

// Environment returns the variables, "NAME=value", with which every "go build"
// below the folder carries the runtime: GOFLAGS, that is the user's own flags,
// then ours, then more ("-coverpkg=./..."); and where the Go version of the
// folder lies in the module cache, those that lead to it by another name.
func (b *Builder) Environment(dir string, more []string) ([]string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	env, err := gocmd.Query(b.Tool, dir)
	if err != nil {
		return nil, err
	}
	goflags, err := gocmd.SplitGOFLAGS(env.GOFLAGS)
	if err != nil {
		return nil, err
	}
	// Flags without a value in GOFLAGS, such as -overlay FILE, do not exist:
	// each word is a flag, and what is none is left for go to complain about.
	var user string
	kept := goflags[:0:0]
	named := map[string]bool{"cover": true, overlayFlag: true}
	for _, f := range more {
		named[nameOf(f)] = true
	}
	for _, f := range goflags {
		if nameOf(f) == overlayFlag {
			_, user, _ = strings.Cut(f, "=")
		}
		if !named[nameOf(f)] {
			kept = append(kept, f)
		}
	}
	tool, vars, goroot, err := b.place(env)
	if err != nil {
		return nil, err
	}
	overlay, err := b.overlay(env, goroot, user, dir)
	if err != nil {
		return nil, err
	}
	kept = append(kept, "-cover", "-overlay="+overlay)
	if !mapped(env) {
		kept, more = tagged(kept, more)
	}
	value, err := gocmd.JoinGOFLAGS(append(kept, more...))
	if err != nil {
		return nil, err
	}
	if len(vars) > 0 {
		vars = append(vars, "PATH="+filepath.Dir(tool)+string(filepath.ListSeparator)+os.Getenv("PATH"))
	}
	return append([]string{"GOFLAGS=" + value}, vars...), nil
}

// mapped reports whether programs for this system keep their counters in maps
// (embed/internal/rt).
func mapped(env gocmd.Env) bool {
	return env.GOOS == "linux" && slices.Contains([]string{"amd64", "arm64", "loong64", "ppc64le", "riscv64"}, env.GOARCH)
}

// withFlushes adds the tag to a list of build tags by which package embed does
// its work in a program without a map.
func withFlushes(tags string) string {
	list := strings.FieldsFunc(tags, func(r rune) bool { return r == ',' || r == ' ' })
	if !slices.Contains(list, "covwrap") {
		list = append(list, "covwrap")
	}
	return strings.Join(list, ",")
}

// tagged adds the tag to flags of GOFLAGS and to those that come after them, of
// which the last -tags counts.
func tagged(flags, more []string) (flags2, more2 []string) {
	var tags string
	rest := func(list []string) (kept []string) {
		for _, f := range list {
			if nameOf(f) == tagsFlag {
				_, tags, _ = strings.Cut(f, "=")
			} else {
				kept = append(kept, f)
			}
		}
		return kept
	}
	flags, more = rest(flags), rest(more)
	return append(flags, "-"+tagsFlag+"="+withFlushes(tags)), more
}

// place returns the go command to use, the variables to set for it, and the
// name of its GOROOT. They are those of env, unless that is a toolchain in the
// module cache, which the go command would choose again, and by its true name,
// if the one on PATH were asked.
func (b *Builder) place(env gocmd.Env) (tool string, vars []string, goroot string, err error) {
	rel, err := filepath.Rel(env.GOMODCACHE, env.GOROOT)
	if env.GOMODCACHE == "" || err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return b.Tool, nil, env.GOROOT, nil
	}
	goroot, err = carrier.Goroot(b.Cache, env.GOROOT, env.GOVERSION)
	if err != nil {
		return "", nil, "", err
	}
	// The version that was chosen, or a newer one where a go.mod wants it.
	chain, _, _ := strings.Cut(env.GOVERSION, " ")
	for _, how := range [...]string{"auto", "path"} {
		if env.GOTOOLCHAIN == how || strings.HasSuffix(env.GOTOOLCHAIN, "+"+how) {
			chain += "+" + how
		}
	}
	tool = filepath.Join(goroot, "bin", filepath.Base(b.Tool))
	return tool, []string{"GOROOT=" + goroot, "GOTOOLCHAIN=" + chain}, goroot, nil
}

func nameOf(flag string) string {
	name, _, _ := strings.Cut(strings.TrimLeft(flag, "-"), "=")
	return name
}

// overlay prepares the overlay for the Go version that the folder builds with.
func (b *Builder) overlay(env gocmd.Env, goroot, user, dir string) (string, error) {
	files, err := b.Runtime(goroot)
	if err != nil {
		return "", fmt.Errorf("%s builds with %s: %w", dir, env.GOVERSION, err)
	}
	var own *carrier.Overlay
	if user != "" {
		if own, err = carrier.Read(user, dir); err != nil {
			return "", err
		}
	}
	return carrier.Prepare(b.Cache, goroot, env.GOVERSION, files, own)
}

// shadowed warns about source files in a user's overlay: "-cover" reads what it
// instruments from the disk (golang/go#73802), so that a package that is both
// covered and overlaid is built without its overlay, and silently so.
func shadowed(overlay, dir, goroot string) []string {
	o, err := carrier.Read(overlay, dir)
	if err != nil {
		return nil // an error already, of the overlay's preparation
	}
	var files []string
	for name := range o.Replace {
		ours := strings.HasPrefix(name, goroot+string(filepath.Separator))
		if strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") && !ours {
			files = append(files, name)
		}
	}
	if len(files) == 0 {
		return nil
	}
	slices.Sort(files)
	return []string{fmt.Sprintf("-overlay has %s (%d in all): where its package is covered, Go takes it from the disk instead (golang/go#73802); leave the package out of -coverpkg, or put the file in place [overlay-of-covered-source]", files[0], len(files))}
}

// has reports whether a flag is given, other than as "-flag=false".
func has(l gocmd.Line, name string) bool {
	v, ok := l.Lookup(name)
	return ok && v != "false" && v != "0"
}

// profile returns where the go command writes the profile of -coverprofile.
func profile(l gocmd.Line, dir string) string {
	file, _ := l.Lookup(profileFlag)
	if file == "" || file == os.DevNull {
		return ""
	}
	if filepath.IsAbs(file) {
		return file
	}
	if out, _ := l.Lookup("outputdir"); out != "" {
		file = filepath.Join(out, file)
	}
	if filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(dir, file)
}
