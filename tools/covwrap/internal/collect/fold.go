package collect

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/covwrap/covwrap/embed/countermap"
	"github.com/covwrap/covwrap/tools/covwrap/internal/covdata"
	"github.com/covwrap/covwrap/tools/covwrap/internal/ledger"
	"github.com/covwrap/covwrap/tools/covwrap/internal/profdir"
)

// scratch holds the counters of one process between the check that all of them
// fit and their addition: a process is added as a whole or not at all.
type scratch struct {
	funcs  []scratchFunc
	counts []uint32
}

type scratchFunc struct {
	pkg, fn uint32
	end     int // in counts
}

func (s *scratch) reset() { s.funcs, s.counts = s.funcs[:0], s.counts[:0] }

func (s *scratch) add(pkg, fn uint32, counters []uint32) {
	s.counts = append(s.counts, counters...)
	s.funcs = append(s.funcs, scratchFunc{pkg, fn, len(s.counts)})
}

// visit calls f for each function.
func (s *scratch) visit(f func(pkg, fn uint32, counters []uint32)) {
	start := 0
	for _, fn := range s.funcs {
		f(fn.pkg, fn.fn, s.counts[start:fn.end:fn.end])
		start = fn.end
	}
}

// noteMap remembers that the process of a map has one, so that counter files
// which it wrote itself are not added on top.
func (c *Collector) noteMap(e profdir.Entry) {
	for _, s := range c.mapped[e.PID] {
		if s.start == e.Nanos {
			return
		}
	}
	c.mapped[e.PID] = append(c.mapped[e.PID], span{start: e.Nanos})
}

// hasMap reports whether counters that a process wrote at some time are in its
// map.
func (c *Collector) hasMap(pid int, nanos int64) bool {
	for _, s := range c.mapped[pid] {
		if s.start <= nanos && (s.end == 0 || nanos <= s.end) {
			return true
		}
	}
	return false
}

// noteFlush remembers which binary a process with a map says that it is. After
// an exec that is the last image before the file was written.
func (c *Collector) noteFlush(e profdir.Entry) {
	last := int64(-1)
	for _, s := range c.mapped[e.PID] {
		if s.end == 0 && s.start <= e.Nanos {
			last = max(last, s.start)
		}
	}
	if last >= 0 {
		c.binaries.flushed[flush{e.PID, last}] = e.Hash
	}
}

// closeMap ends the time of a map's process: a later process may get its number.
func (c *Collector) closeMap(e profdir.Entry) {
	for i, s := range c.mapped[e.PID] {
		if s.start == e.Nanos {
			c.mapped[e.PID][i].end = time.Now().UnixNano()
			delete(c.binaries.flushed, flush{e.PID, e.Nanos})
		}
	}
}

// finished forgets a file of the profile directory, or remembers to skip it
// when it cannot be removed.
func (c *Collector) finished(e profdir.Entry) {
	if c.keep || os.Remove(c.path(e.Name)) != nil {
		c.done[e.Name] = true
	}
}

// foldMap adds a counter map if its process has ended.
func (c *Collector) foldMap(e profdir.Entry, final bool) {
	quarantine := func(m *countermap.Map, slug string, err error, mend string) {
		l := LeftOut{LeftOut: ledger.LeftOut{PID: e.PID, Slug: slug, Why: err.Error(), Mend: mend}, Nanos: e.Nanos}
		if m != nil {
			l.PID, l.Argv = m.PID, m.Argv
		}
		c.leave(l)
		c.done[e.Name] = true
		c.closeMap(e)
	}
	path := c.path(e.Name)
	if err := profdir.Check(path, maxMap); err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return
		}
		quarantine(nil, "map-damaged", err, mendForeign)
		return
	}
	m, err := countermap.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return // its process has thought better of it
	}
	if err != nil {
		// The header of a process that is just starting is not complete.
		if errors.Is(err, countermap.ErrUnfinished) && !final {
			return
		}
		switch {
		case errors.Is(err, countermap.ErrUnfinished):
			quarantine(nil, "map-unfinished", err, "")
		case errors.Is(err, countermap.ErrVersion):
			quarantine(nil, "map-version", err, "build the program and the launcher from the same version of covwrap")
		default:
			quarantine(nil, "map-damaged", err, mendForeign)
		}
		return
	}
	defer m.Close()
	execed := c.replaced(e)
	if !final && !execed && c.Alive(m) {
		return
	}
	bin, again, err := c.binaries.ofMap(m, final)
	if again {
		return
	}
	if err != nil {
		quarantine(m, "meta-missing", err, "keep the executable until the test has ended, or build it with covwrap's rules, which write the meta-data at start")
		return
	}
	if m.Words > maxWords {
		quarantine(m, "map-damaged", fmt.Errorf("%s: %d counters are more than the %d that a binary can have", path, m.Words, maxWords), mendForeign)
		return
	}
	if c.words, err = m.Counters(c.words); err != nil {
		quarantine(m, "map-damaged", err, mendForeign)
		return
	}
	parts := c.splitMap(m)
	early := 0
	c.scratch.reset()
	err = m.VisitFuncs(c.words, bin.pkgs, func(pkg, fn uint32, counters []uint32) error {
		if pkg == countermap.UnknownPackage {
			early++
			return nil
		}
		if err := bin.Check(pkg, fn, len(counters)); err != nil {
			return fmt.Errorf("%s: does not fit its meta-data covmeta.%v: %w", path, bin.Hash, err)
		}
		c.scratch.add(pkg, fn, counters)
		return nil
	})
	if err != nil {
		quarantine(m, "map-damaged", err, mendForeign)
		return
	}
	child := c.childOfMap(m, bin)
	if execed {
		child.Ended = ledger.Ended{How: ledger.Execed}
	}
	if early > 0 {
		child.Trouble = fmt.Sprintf("%d functions ran before their package was registered and cannot be attributed", early)
	}
	if m.Flags&countermap.Edges != 0 && m.Exit == countermap.ExitUnknown {
		child.Trouble = "the counters on the first and last page of the region may be missing: only whole pages could be mapped"
	}
	c.add(child, bin, m.GOOS, m.GOARCH)
	c.addParts(m, bin, len(c.children)-1, parts)
	c.removeSnapshots(m)
	c.closeMap(e)
	c.considerFolded(m)
	m.Close()
	if id, ok := c.ids[e.Name]; ok {
		delete(c.ids, e.Name)
		if c.newest[id] == e.Nanos {
			delete(c.newest, id)
		}
	}
	c.finished(e)
}

const mendForeign = "find out which process writes into the profile directory besides covwrap's runtime"

// noteImage finds the maps of processes that replaced themselves by exec. Only
// maps with the same process number can be those of one process, so the others
// are not opened for it.
func (c *Collector) noteImage(e profdir.Entry) {
	if len(c.mapped[e.PID]) < 2 {
		return
	}
	if _, ok := c.ids[e.Name]; ok || profdir.Check(c.path(e.Name), maxMap) != nil {
		return
	}
	m, err := countermap.Open(c.path(e.Name))
	if err != nil {
		return
	}
	defer m.Close()
	id := processID{m.PID, m.PIDNS, m.Ticks}
	c.ids[e.Name] = id
	c.newest[id] = max(c.newest[id], e.Nanos)
}

// replaced reports whether the image of a map ended by exec.
func (c *Collector) replaced(e profdir.Entry) bool {
	id, ok := c.ids[e.Name]
	return ok && id.ticks != 0 && c.newest[id] > e.Nanos
}

// childOfMap is the ledger's entry for a map.
func (c *Collector) childOfMap(m *countermap.Map, bin *binary) Child {
	return Child{
		Child: ledger.Child{
			PID: m.PID, PPID: m.PPID, UID: m.UID, Argv: c.interned.Strings(m.Argv), Exe: c.interned.String(m.Exe),
			Binary: bin.id, Start: m.Start.UTC(), Collected: "map",
			Ended: ledger.Ended{How: ledger.Unknown},
		},
		PIDNS: m.PIDNS, Ticks: m.Ticks, Noted: m.Exit,
	}
}

// add adds the counters in scratch as those of one child.
func (c *Collector) add(child Child, bin *binary, goos, goarch string) {
	i := len(c.children)
	c.scratch.visit(func(pkg, fn uint32, counters []uint32) {
		child.BlocksCovered += bin.Add(i, pkg, fn, counters)
	})
	bin.processes++
	nanos := child.Start.UnixNano()
	if child.Start.IsZero() {
		nanos = child.End.UnixNano()
	}
	child.Profile = c.profile.keep(bin, child.PID, nanos, covdata.Args(child.Argv, goos, goarch), &c.scratch)
	c.children = append(c.children, child)
}

// foldCounters adds a counter file that a process wrote itself, unless it has
// a map.
func (c *Collector) foldCounters(e profdir.Entry, final bool) {
	if c.hasMap(e.PID, e.Nanos) || c.hasJoined(e) {
		c.finished(e)
		return
	}
	leave := func(slug string, err error, mend string) {
		c.leave(LeftOut{LeftOut: ledger.LeftOut{PID: e.PID, Slug: slug, Why: err.Error(), Mend: mend}, Nanos: e.Nanos})
		c.done[e.Name] = true
	}
	data, err := profdir.Read(c.Dir, e.Name, maxCounters)
	if err != nil {
		if !errors.Is(err, os.ErrNotExist) {
			leave("counters-damaged", err, mendForeign)
		}
		return
	}
	counters, err := covdata.DecodeCounters(e.Name, data)
	if err != nil {
		leave("counters-damaged", err, mendForeign)
		return
	}
	if counters.MetaHash != e.Hash {
		leave("counters-damaged", fmt.Errorf("%s: the counters inside are those of %v", e.Name, counters.MetaHash), mendForeign)
		return
	}
	bin, err := c.binaries.named(e.Hash)
	if err != nil {
		if final || !errors.Is(err, os.ErrNotExist) {
			leave("meta-missing", err, "find out which process removes covmeta files from the profile directory")
		}
		return
	}
	c.scratch.reset()
	for _, f := range counters.Funcs {
		if err := bin.Check(f.Package, f.Func, len(f.Counts)); err != nil {
			leave("counters-damaged", fmt.Errorf("%s: does not fit its meta-data: %w", e.Name, err), mendForeign)
			return
		}
		c.scratch.add(f.Package, f.Func, f.Counts)
	}
	child := c.addFile(e.PID, e.Nanos, counters, bin)
	c.addToPhase(bin, child, e.Nanos)
	c.finished(e)
}

// fileChild is the ledger's entry for a counter file.
func fileChild(pid int, nanos int64, argv []string, bin *binary, collected string) Child {
	return Child{Child: ledger.Child{
		PID: pid, Argv: argv, Binary: bin.id,
		End: time.Unix(0, nanos).UTC(), Collected: collected, Ended: ledger.Ended{How: ledger.Unknown},
	}}
}

// foldNote remembers a process that could not have a map.
func (c *Collector) foldNote(e profdir.Entry) {
	why := profdir.ReadNote(c.Dir, e.Name)
	l := LeftOut{LeftOut: ledger.LeftOut{PID: e.PID, Slug: e.Slug, Why: why, Mend: "see " + e.Slug + " in docs/messages.md"}, Nanos: e.Nanos, Unless: true}
	if l.Why == "" {
		l.Why = "the process could not have a counter map"
	}
	c.leave(l)
	c.finished(e)
}
