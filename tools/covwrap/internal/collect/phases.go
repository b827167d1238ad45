package collect

import (
	"os"

	"github.com/covwrap/covwrap/embed/countermap"
	"github.com/covwrap/covwrap/tools/covwrap/internal/covdata"
	"github.com/covwrap/covwrap/tools/covwrap/internal/phases"
	"github.com/covwrap/covwrap/tools/covwrap/internal/tally"
)

// Phase is what was counted in one phase, by all processes. Its packages are
// those of binaries that ran in it.
type Phase struct {
	Name     string // phases.Start before the first mark
	Packages []*tally.Package
}

// byPhase holds the sums of each phase, once there is a mark.
type byPhase struct {
	tallies  map[string]*tally.Tally
	binaries map[inPhase]*tally.Binary
}

// inPhase is a binary in a phase.
type inPhase struct {
	phase string
	hash  covdata.Hash
}

// splitMap divides the counters in c.words, which were read from m just now, by
// phase. What was reset is taken out of c.words. Without marks it returns nil.
func (c *Collector) splitMap(m *countermap.Map) []phases.Part {
	if !phases.Any(c.Dir) {
		return nil
	}
	marks, err := phases.Read(c.Dir)
	if err != nil {
		c.trouble("mark-damaged", err.Error())
	}
	parts, err := marks.Split(phases.ID(m), m.Start.UnixNano(), c.words)
	if err != nil {
		c.trouble("mark-damaged", err.Error())
	}
	c.words = phases.Total(parts, len(c.words))
	return parts
}

// addParts adds the parts of one process to their phases. The whole has been
// added, so that its words are known to fit the binary.
func (c *Collector) addParts(m *countermap.Map, bin *binary, child int, parts []phases.Part) {
	for _, p := range parts {
		b := c.sumsOf(p.Phase, bin)
		if b == nil {
			return
		}
		m.VisitFuncs(p.Counters, bin.pkgs, func(pkg, fn uint32, counters []uint32) error {
			if pkg != countermap.UnknownPackage && b.Check(pkg, fn, len(counters)) == nil {
				b.Add(child, pkg, fn, counters)
			}
			return nil
		})
	}
}

// addToPhase adds the counters in scratch, of a process that wrote them when it
// ended, to the phase of that time: what it did earlier cannot be told apart.
func (c *Collector) addToPhase(bin *binary, child int, nanos int64) {
	if !phases.Any(c.Dir) {
		return
	}
	marks, _ := phases.Read(c.Dir)
	name, dropped := marks.At(nanos)
	if dropped {
		return
	}
	if b := c.sumsOf(name, bin); b != nil {
		c.scratch.visit(func(pkg, fn uint32, counters []uint32) { b.Add(child, pkg, fn, counters) })
	}
}

// sumsOf returns the sums of a binary in a phase.
func (c *Collector) sumsOf(name string, bin *binary) *tally.Binary {
	at := inPhase{name, bin.Hash}
	if b := c.phases.binaries[at]; b != nil {
		return b
	}
	meta, err := covdata.DecodeMeta(bin.exe, bin.content)
	if err != nil {
		return nil // it was decoded before
	}
	t := c.phases.tallies[name]
	if t == nil {
		t = tally.New()
		c.phases.tallies[name] = t
	}
	b := t.Binary(meta)
	b.Once = bin.Once
	c.phases.binaries[at] = b
	return b
}

// removeSnapshots removes what marks have left of a process whose map is
// finished with.
func (c *Collector) removeSnapshots(m *countermap.Map) {
	if c.keep || !phases.Any(c.Dir) {
		return
	}
	marks, _ := phases.Read(c.Dir)
	for _, file := range marks.Snapshots(phases.ID(m)) {
		os.Remove(file)
	}
}

// phaseResults returns the phases in the order of their marks; nil without any.
func (c *Collector) phaseResults() []Phase {
	if !phases.Any(c.Dir) {
		return nil
	}
	marks, _ := phases.Read(c.Dir)
	if !marks.Any() {
		return nil
	}
	var list []Phase
	for _, name := range marks.Names() {
		p := Phase{Name: name}
		if t := c.phases.tallies[name]; t != nil {
			p.Packages = t.Packages
		}
		list = append(list, p)
	}
	return list
}
