package intake

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sort"

	"github.com/covwrap/covwrap/tools/covwrap/internal/collect"
	"github.com/covwrap/covwrap/tools/covwrap/internal/goblocks"
	"github.com/covwrap/covwrap/tools/covwrap/internal/ledger"
	"github.com/covwrap/covwrap/tools/covwrap/internal/lines"
	"github.com/covwrap/covwrap/tools/covwrap/internal/profiles"
	"github.com/covwrap/covwrap/tools/covwrap/internal/textprofile"
	"github.com/covwrap/covwrap/tools/covwrap/internal/trouble"
)

// readGo reads the Go profiles, folders first.
func (c *Coverage) readGo(dirs []string, opt Options, log *trouble.Log) error {
	sort.Strings(dirs)
	names := nameTable{ask: opt.Names, known: map[string]string{}}
	for _, dir := range dirs {
		if err := c.readGoDir(dir, opt.Blocks, &names, log); err != nil {
			return err
		}
	}
	texts := &textprofile.Profile{}
	for _, path := range c.Texts {
		if err := readText(path, texts); err != nil {
			log.Addf("bad-go-profile", path, "%v; what stood before was used", err)
		}
	}
	if opt.Blocks {
		return goblocks.Join(c.Blocks, texts)
	}
	files := goblocks.Lines(texts)
	names.learn(files)
	for _, f := range files {
		f.AddTo(c.Set, names.of(f.Name))
	}
	return nil
}

// readText adds a text profile to p.
func readText(path string, p *textprofile.Profile) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	q, err := textprofile.Read(path, f)
	if err != nil {
		return err
	}
	return goblocks.Join(p, q)
}

// readGoDir reads a folder of counter files or counter maps, and leaves it as
// it is.
func (c *Coverage) readGoDir(dir string, blocks bool, names *nameTable, log *trouble.Log) error {
	dir, err := c.withoutLinks(dir)
	if err != nil {
		return err
	}
	config := collect.Config{Dir: dir}
	if blocks {
		out, err := c.tempDir()
		if err != nil {
			return err
		}
		// Without room for single processes, it holds one sum per binary.
		config.Profiles = profiles.New(out, 0, 0)
		c.GoDirs = append(c.GoDirs, out)
	}
	collector := collect.New(config).Clone()
	if err := collector.Finish(); err != nil {
		return err
	}
	r := collector.Result()
	report(r.Trouble, log, dir)
	for _, out := range r.LeftOut {
		log.Addf(out.Slug, dir, "process %d %q: %s", out.PID, out.Argv, out.Why)
	}
	if blocks {
		return goblocks.AddPackages(c.Blocks, r)
	}
	files, refused := lines.Files(r.Packages, func(name string) string {
		if path, ok := r.Sources[name]; ok {
			return path
		}
		return name
	})
	for _, err := range refused {
		log.Addf("too-many-lines", dir, "%v", err)
	}
	names.learn(files)
	for _, f := range files {
		f.AddTo(c.Set, names.of(f.Name))
	}
	return nil
}

// withoutLinks returns dir, or, if some of its profile files are symbolic links,
// a folder with copies of all. A collector follows no links, since any process
// under a test may have made them; but a folder that a person names is often
// made of links, by Bazel for one.
func (c *Coverage) withoutLinks(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	if !slices.ContainsFunc(entries, func(e os.DirEntry) bool { return isGoFile(e.Name()) && e.Type()&os.ModeSymlink != 0 }) {
		return dir, nil
	}
	copies, err := c.tempDir()
	if err != nil {
		return "", err
	}
	for _, e := range entries {
		if !isGoFile(e.Name()) {
			continue
		}
		if err := copyFile(filepath.Join(copies, e.Name()), filepath.Join(dir, e.Name())); err != nil {
			return "", err
		}
	}
	return copies, nil
}

// copyFile copies a regular file, or what a link to one leads to.
func copyFile(to, from string) error {
	// Looked at before it is opened: opening a pipe would wait for a writer.
	if info, err := os.Stat(from); err != nil || !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no regular file", from)
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}

// report passes on what a collection found.
func report(all []ledger.Trouble, log *trouble.Log, dir string) {
	for _, t := range all {
		log.Addf(t.Slug, dir, "%s", t.Text)
	}
}

// nameTable translates Go's names of source files.
type nameTable struct {
	ask   func([]string) map[string]string
	known map[string]string
}

// learn asks for the names that are not known yet, all at once.
func (t *nameTable) learn(files []lines.File) {
	if t.ask == nil {
		return
	}
	var unknown []string
	for _, f := range files {
		if _, ok := t.known[f.Name]; !ok {
			unknown = append(unknown, f.Name)
			t.known[f.Name] = f.Name
		}
	}
	if len(unknown) == 0 {
		return
	}
	for name, path := range t.ask(unknown) {
		t.known[name] = path
	}
}

// of is the path of a name.
func (t *nameTable) of(name string) string {
	if path, ok := t.known[name]; ok {
		return path
	}
	return name
}
