package collect

import (
	"maps"
	"slices"

	"github.com/covwrap/covwrap/tools/covwrap/internal/tally"
)

// Clone returns a collector that goes on from the same sums but leaves the
// profile directory as it is: what it finishes is a snapshot of processes that
// still run, and the original counts them when they have ended. Its memory is
// that of the distinct code.
func (c *Collector) Clone() *Collector {
	d := &Collector{
		Config: c.Config, keep: true, folded: c.folded,
		children: slices.Clone(c.children), leftOut: slices.Clone(c.leftOut), leftMore: c.leftMore,
		troubles: slices.Clone(c.troubles),
		done:     maps.Clone(c.done), mapped: map[int][]span{}, ids: maps.Clone(c.ids), newest: maps.Clone(c.newest),
	}
	d.joined, d.aggregates = slices.Clip(c.joined), newAggregates()
	d.AggregateFrom = 0
	for pid, spans := range c.mapped {
		d.mapped[pid] = slices.Clone(spans)
	}
	d.paying = map[instalment]*paying{}
	for id, p := range c.paying {
		n := &paying{child: p.child, paid: map[[2]uint32][]bool{}}
		for at, paid := range p.paid {
			n.paid[at] = slices.Clone(paid)
		}
		d.paying[id] = n
	}
	var packages map[*tally.Package]*tally.Package
	d.tally, packages = c.tally.Clone()
	d.binaries = newBinaries(c.Dir, d.tally, d.trouble)
	d.binaries.once = c.binaries.once
	d.binaries.sources = maps.Clone(c.binaries.sources)
	d.binaries.failed = maps.Clone(c.binaries.failed)
	d.binaries.flushed = maps.Clone(c.binaries.flushed)
	same := map[*binary]*binary{}
	for _, b := range c.binaries.order {
		n := *b
		n.Binary = copyBinary(b.Binary, packages)
		same[b] = &n
		d.binaries.order = append(d.binaries.order, &n)
		d.binaries.byHash[n.Hash] = &n
	}
	for id, b := range c.binaries.byFile {
		d.binaries.byFile[id] = same[b]
	}
	d.phases = byPhase{map[string]*tally.Tally{}, map[inPhase]*tally.Binary{}}
	for name, t := range c.phases.tallies {
		clone, packages := t.Clone()
		d.phases.tallies[name] = clone
		for at, b := range c.phases.binaries {
			if at.phase == name {
				d.phases.binaries[at] = copyBinary(b, packages)
			}
		}
	}
	d.profile = &keeper{store: c.Profiles, trouble: d.trouble, rest: map[*binary]map[[2]uint32][]uint32{}}
	for _, b := range c.profile.order {
		sums := map[[2]uint32][]uint32{}
		for at, sum := range c.profile.rest[b] {
			sums[at] = slices.Clone(sum)
		}
		d.profile.rest[same[b]] = sums
		d.profile.order = append(d.profile.order, same[b])
	}
	return d
}

// copyBinary is a binary of a tally in a copy of it, whose packages are given.
func copyBinary(b *tally.Binary, packages map[*tally.Package]*tally.Package) *tally.Binary {
	n := &tally.Binary{Hash: b.Hash, Mode: b.Mode, Once: b.Once}
	for _, p := range b.Packages {
		n.Packages = append(n.Packages, packages[p])
	}
	return n
}
