package live

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/covwrap/covwrap/embed/countermap"
	"github.com/covwrap/covwrap/embed/phase"
	"github.com/covwrap/covwrap/tools/covwrap/internal/covdata"
	"github.com/covwrap/covwrap/tools/covwrap/internal/phases"
	"github.com/covwrap/covwrap/tools/covwrap/internal/profdir"
	"github.com/covwrap/covwrap/tools/covwrap/internal/tally"
)

// Process is what one running process has counted so far, or what all have that
// count into an aggregate map.
type Process struct {
	Map   *countermap.Map // closed; its values stay valid
	PIDs  []int           // of the running processes
	Meta  *covdata.Meta   // of its binary
	funcs []funcCounts
}

// funcCounts are the counters of one function that ran.
type funcCounts struct {
	pkg, fn  uint32
	counters []uint32
}

// Reader reads maps again and again; it remembers the meta-data of binaries.
// Not for concurrent use.
type Reader struct {
	metas map[covdata.Hash]*covdata.Meta
	words []uint32
}

// NewReader returns a reader that knows nothing yet.
func NewReader() *Reader { return &Reader{metas: map[covdata.Hash]*covdata.Meta{}} }

// maxMeta bounds the meta-data of one binary; Go's largest have some megabytes.
const maxMeta = 512 << 20

// meta returns the meta-data of the map's binary.
func (r *Reader) meta(m *countermap.Map) (*covdata.Meta, error) {
	dir := filepath.Dir(m.Path)
	if h, ok := m.MetaHash(); ok {
		hash := covdata.Hash(h)
		if meta := r.metas[hash]; meta != nil {
			return meta, nil
		}
		meta, _, err := readMeta(dir, hash)
		if err != nil {
			var exeErr error
			if meta, exeErr = fromExecutable(m); exeErr != nil {
				return nil, errors.Join(err, exeErr)
			}
		}
		r.metas[hash] = meta
		return meta, nil
	}
	if m.Flags&countermap.Table != 0 {
		// Not remembered: more packages may register before the next look.
		return fromExecutable(m)
	}
	return belonging(dir, m)
}

// readMeta reads covmeta.<hash> of a profile directory.
func readMeta(dir string, hash covdata.Hash) (*covdata.Meta, []byte, error) {
	name := "covmeta." + hash.String()
	data, err := profdir.Read(dir, name, maxMeta)
	if err != nil {
		return nil, nil, err
	}
	meta, err := covdata.DecodeMeta(name, data)
	return meta, data, err
}

// fromExecutable takes the meta-data from the executable that the map names.
func fromExecutable(m *countermap.Map) (*covdata.Meta, error) {
	content, err := m.MetaFromExecutable()
	if err != nil {
		return nil, err
	}
	return covdata.DecodeMeta(m.Exe, content)
}

// belonging finds the meta-data file that the map's executable wrote, for a
// program that imports the runtime and was built by a plain "go build -cover".
func belonging(dir string, m *countermap.Map) (*covdata.Meta, error) {
	var found *covdata.Meta
	var errs []error
	err := profdir.List(dir, func(e profdir.Entry) {
		if e.Kind != profdir.Meta || found != nil {
			return
		}
		meta, data, err := readMeta(dir, e.Hash)
		if err != nil {
			errs = append(errs, err)
			return
		}
		if ok, err := m.MetaBelongs(data); err != nil {
			errs = append(errs, err)
		} else if ok {
			found = meta
		}
	})
	if found == nil {
		return nil, errors.Join(append(errs, err, errors.New("no meta-data file in the profile directory is the executable's; is GOCOVERDIR of the process the profile directory?"))...)
	}
	return found, nil
}

// Read reads the counters of one map, without what was counted before a reset.
func (r *Reader) Read(file string) (*Process, error) {
	m, err := countermap.Open(file)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	meta, err := r.meta(m)
	if err != nil {
		return nil, fmt.Errorf("%s: the meta-data of %s: %w", file, m.Exe, err)
	}
	var pkgs []countermap.PackageRef
	if m.Flags&countermap.Table != 0 {
		if pkgs, _, err = m.Packages(); err != nil {
			return nil, err
		}
	}
	words, err := r.counters(m)
	if err != nil {
		return nil, err
	}
	p := &Process{Map: m, PIDs: running(m), Meta: meta}
	bin := tally.New().Binary(meta)
	err = m.VisitFuncs(words, pkgs, func(pkg, fn uint32, counters []uint32) error {
		if pkg == countermap.UnknownPackage {
			return nil // it ran before its package registered: a moment later it has
		}
		if err := bin.Check(pkg, fn, len(counters)); err != nil {
			return fmt.Errorf("%s: does not fit the meta-data of %s: %w", file, m.Exe, err)
		}
		p.funcs = append(p.funcs, funcCounts{pkg, fn, slices.Clone(counters)})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

// counters reads the counters of a map. Nobody takes some out of an aggregate map
// meanwhile, which would be seen twice; but where nobody ever did, there is no
// lock, and we may have no right to make one.
func (r *Reader) counters(m *countermap.Map) (words []uint32, err error) {
	dir := filepath.Dir(m.Path)
	read := func() error {
		if r.words, err = m.Counters(r.words); err != nil {
			return err
		}
		words = r.words
		marks, err := phases.Read(dir) // after the counters, see Split
		if err != nil {
			return err
		}
		if !marks.Any() && m.Flags&countermap.Aggregate == 0 {
			return nil
		}
		parts, err := marks.Split(phases.ID(m), m.Start.UnixNano(), words)
		words = phases.Total(parts, len(words))
		return err
	}
	if m.Flags&countermap.Aggregate != 0 && phases.Any(dir) {
		if err := phase.Exclude(dir, read); words != nil || !errors.Is(err, phase.ErrBusy) && !errors.Is(err, fs.ErrPermission) {
			return words, err
		}
	}
	err = read()
	return words, err
}

// AddTo adds the process's counters to a tally, as those of child number child.
func (p *Process) AddTo(t *tally.Tally, child int) {
	bin := t.Binary(p.Meta)
	for _, f := range p.funcs {
		bin.Add(child, f.pkg, f.fn, f.counters)
	}
}

// Statements returns how many statements the process's binary has and how many
// of them ran in it.
func (p *Process) Statements() (ran, all int) {
	t := tally.New()
	p.AddTo(t, 0)
	return Statements(t.Packages)
}

// Statements returns how many statements the packages have and how many ran.
func Statements(packages []*tally.Package) (ran, all int) {
	for _, p := range packages {
		for i, f := range p.Funcs {
			counts := p.Func(i)
			for j, u := range f.Units {
				all += int(u.Stmts)
				if counts[j] > 0 {
					ran += int(u.Stmts)
				}
			}
		}
	}
	return ran, all
}
