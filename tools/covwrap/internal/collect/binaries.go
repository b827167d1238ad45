package collect

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/covwrap/covwrap/embed/countermap"
	"github.com/covwrap/covwrap/tools/covwrap/internal/covdata"
	"github.com/covwrap/covwrap/tools/covwrap/internal/profdir"
	"github.com/covwrap/covwrap/tools/covwrap/internal/tally"
)

// binary is a distinct covered binary.
type binary struct {
	*tally.Binary
	id        string // Hash, spelled
	exe       string
	hashes    []covdata.Hash // of its packages, in order
	content   []byte         // the meta-data file
	processes int
	// pkgs has the fixed numbers of the runtime's own packages, which only a
	// map tells; nil until one of the binary was seen.
	pkgs []countermap.PackageRef
}

// binaries finds the binary to which counters belong.
type binaries struct {
	dir     string
	tally   *tally.Tally
	trouble func(slug, text string)
	byHash  map[covdata.Hash]*binary
	failed  map[covdata.Hash]error
	byFile  map[countermap.BinaryID]*binary // for maps that do not name their meta-data
	flushed map[flush]covdata.Hash          // likewise: what their process wrote itself
	order   []*binary
	sources map[string]string // Go's file name: path of the source
	once    bool              // see tally.Binary
}

// flush identifies the process of a map by what stands in the map's name.
type flush struct {
	pid   int
	start int64
}

func newBinaries(dir string, t *tally.Tally, trouble func(slug, text string)) *binaries {
	return &binaries{
		dir: dir, tally: t, trouble: trouble,
		byHash: map[covdata.Hash]*binary{}, failed: map[covdata.Hash]error{},
		byFile: map[countermap.BinaryID]*binary{}, flushed: map[flush]covdata.Hash{}, sources: map[string]string{},
	}
}

// named returns the binary of the meta-data file covmeta.<hash>.
func (b *binaries) named(hash covdata.Hash) (*binary, error) {
	if bin := b.byHash[hash]; bin != nil {
		return bin, nil
	}
	name := "covmeta." + hash.String()
	data, err := profdir.Read(b.dir, name, maxMeta)
	if err != nil {
		return nil, err
	}
	m, err := covdata.DecodeMeta(name, data)
	if err != nil {
		return nil, err
	}
	if m.Hash != hash {
		return nil, fmt.Errorf("%s: the meta-data inside is that of %v", name, m.Hash)
	}
	return b.add(m, data), nil
}

// add makes the sums of a binary.
func (b *binaries) add(m *covdata.Meta, content []byte) *binary {
	bin := &binary{Binary: b.tally.Binary(m), id: m.Hash.String(), content: content}
	bin.Once = b.once
	for i := range m.Packages {
		bin.hashes = append(bin.hashes, m.Packages[i].Hash)
	}
	b.byHash[m.Hash] = bin
	b.order = append(b.order, bin)
	b.readSources(m.Hash)
	return bin
}

// ofMap returns the binary of a counter map. again is true if asking later,
// when other processes have written their meta-data, may do better.
func (b *binaries) ofMap(m *countermap.Map, final bool) (bin *binary, again bool, err error) {
	if hash, ok := m.MetaHash(); ok {
		bin, err = b.named(hash)
		if err != nil {
			if !final && errors.Is(err, os.ErrNotExist) {
				return nil, true, err
			}
			bin, err = b.fromExecutable(m, err)
		}
	} else if m.Flags&countermap.Table != 0 {
		bin, again, err = b.byTable(m, final)
	} else {
		bin, again, err = b.byContent(m, final)
	}
	if err != nil {
		return nil, again, err
	}
	if bin.exe == "" {
		bin.exe = m.Exe
	}
	if bin.pkgs == nil && m.Flags&countermap.Table != 0 {
		if pkgs, _, err := m.Packages(); err == nil {
			bin.pkgs = pkgs
		}
	}
	return bin, false, nil
}

// byTable finds the binary of a process that ended before its main package
// began, or that has none of ours: by the packages that had registered.
func (b *binaries) byTable(m *countermap.Map, final bool) (bin *binary, again bool, err error) {
	pkgs, _, err := m.Packages()
	if err != nil {
		return nil, false, err
	}
	for _, known := range b.order {
		if prefix(pkgs, known.hashes) {
			return known, false, nil
		}
	}
	if !final {
		return nil, true, errors.New("its meta-data is not known yet")
	}
	bin, err = b.fromExecutable(m, nil)
	return bin, false, err
}

// prefix reports whether the packages are the first ones of a binary.
func prefix(pkgs []countermap.PackageRef, hashes []covdata.Hash) bool {
	if len(pkgs) == 0 || len(pkgs) > len(hashes) {
		return false
	}
	for i := range pkgs {
		if pkgs[i].Hash != hashes[i] {
			return false
		}
	}
	return true
}

// byContent finds the binary of a map without a package table. If a process
// with the same executable ended cleanly, its counter file names the meta-data;
// otherwise it is the meta-data file whose packages all stand in the executable.
func (b *binaries) byContent(m *countermap.Map, final bool) (bin *binary, again bool, err error) {
	if bin := b.byFile[m.Binary]; bin != nil {
		return bin, false, nil
	}
	if hash, ok := b.flushed[flush{m.PID, m.Start.UnixNano()}]; ok {
		if bin, err := b.named(hash); err == nil {
			b.byFile[m.Binary] = bin
			return bin, false, nil
		}
	}
	if !final {
		return nil, true, errors.New("its meta-data is not known yet")
	}
	b.readAll()
	why := errors.New("no meta-data file in the profile directory is that of the executable " + m.Exe)
	for _, known := range b.order {
		ok, err := m.MetaBelongs(known.content)
		if err != nil {
			why = err
		}
		// Builds that differ in mode only have the same packages. Reading
		// zeros and ones as counts is right for mode "set" too, while the
		// reverse would lose counts.
		if ok && (bin == nil || known.Mode > bin.Mode) {
			bin = known
		}
	}
	if bin == nil {
		return nil, false, why
	}
	b.byFile[m.Binary] = bin
	return bin, false, nil
}

// readAll reads every meta-data file.
func (b *binaries) readAll() {
	profdir.List(b.dir, func(e profdir.Entry) {
		if e.Kind == profdir.Meta && b.failed[e.Hash] == nil {
			if _, err := b.named(e.Hash); err != nil {
				b.failed[e.Hash] = err
				b.trouble("meta-damaged", err.Error())
			}
		}
	})
}

// fromExecutable takes the meta-data from the executable of a map. because is
// why it is not taken from a file.
func (b *binaries) fromExecutable(m *countermap.Map, because error) (*binary, error) {
	content, err := m.MetaFromExecutable()
	if err != nil {
		if because != nil {
			return nil, fmt.Errorf("%w; and not to be had from the executable: %w", because, err)
		}
		return nil, err
	}
	meta, err := covdata.DecodeMeta(m.Exe, content)
	if err != nil {
		return nil, err
	}
	if because != nil && !errors.Is(because, os.ErrNotExist) {
		b.trouble("meta-damaged", because.Error()+"; taken from the executable instead")
	}
	if bin := b.byHash[meta.Hash]; bin != nil {
		return bin, nil
	}
	return b.add(meta, content), nil
}

// readSources reads covsrc.<hash>: a line per source file, Go's name for it and
// its path in the workspace, separated by a tab.
func (b *binaries) readSources(hash covdata.Hash) {
	name := "covsrc." + hash.String()
	data, err := profdir.Read(b.dir, name, maxSources)
	if errors.Is(err, os.ErrNotExist) {
		return
	}
	if err != nil {
		b.trouble("sources-damaged", err.Error())
		return
	}
	for i, line := range bytes.Split(bytes.TrimSuffix(data, []byte("\n")), []byte("\n")) {
		from, to, ok := strings.Cut(string(line), "\t")
		if !ok || from == "" || to == "" {
			b.trouble("sources-damaged", fmt.Sprintf("%s:%d: %.80q is not a name, a tab and a path", name, i+1, line))
			continue
		}
		if _, known := b.sources[from]; !known {
			b.sources[from] = to
		}
	}
}
