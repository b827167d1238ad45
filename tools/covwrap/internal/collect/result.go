package collect

import (
	"cmp"
	"slices"
	"time"

	"github.com/covwrap/covwrap/tools/covwrap/internal/ledger"
	"github.com/covwrap/covwrap/tools/covwrap/internal/tally"
)

// Result is what a collection found.
type Result struct {
	Packages []*tally.Package
	Phases   []Phase // in the order of their marks; nil without any
	Binaries []ledger.Binary
	Children []Child   // by start
	Joined   []Joined  // processes that stand behind one of the children together
	LeftOut  []LeftOut // by time
	LeftMore int       // left-out processes that are not named
	Trouble  []ledger.Trouble
	Log      []byte            // what covered processes logged
	Sources  map[string]string // Go's name of a file: its path, where processes told
}

// Result returns what was collected so far. It may be called once.
func (c *Collector) Result() *Result {
	alone := c.tally.OnlyHere(len(c.children))
	for i := range c.children {
		c.children[i].BlocksOnlyHere = alone[i]
	}
	r := &Result{
		Packages: c.tally.Packages, Phases: c.phaseResults(), Children: c.children, Joined: c.joined, LeftMore: c.leftMore,
		Trouble: c.troubles, Log: c.log, Sources: c.binaries.sources,
	}
	have := map[int]bool{}
	for i := range c.children {
		have[c.children[i].PID] = true
	}
	r.LeftOut = once(c.leftOut, have)
	for _, b := range c.binaries.order {
		lb := ledger.Binary{Hash: b.Hash.String(), Exe: b.exe, Mode: b.Mode.String(), Processes: b.processes}
		for _, p := range b.Packages {
			total, covered := p.Blocks()
			lb.Blocks += total
			lb.BlocksCovered += covered
		}
		r.Binaries = append(r.Binaries, lb)
	}
	slices.SortStableFunc(r.Children, func(a, b Child) int {
		return cmp.Or(when(a).Compare(when(b)), cmp.Compare(a.PID, b.PID))
	})
	slices.SortStableFunc(r.LeftOut, func(a, b LeftOut) int {
		return cmp.Or(cmp.Compare(a.Nanos, b.Nanos), cmp.Compare(a.PID, b.PID))
	})
	slices.SortFunc(r.Binaries, func(a, b ledger.Binary) int {
		return cmp.Or(cmp.Compare(a.Exe, b.Exe), cmp.Compare(a.Hash, b.Hash))
	})
	return r
}

// once returns the left-out processes without those of whom counters arrived
// another way, and each with its most telling reason only: its own note comes
// before what was found of it.
func once(leftOut []LeftOut, have map[int]bool) (list []LeftOut) {
	noted := map[int]bool{}
	for _, l := range leftOut {
		if l.Unless && l.Slug != torn {
			noted[l.PID] = true
		}
	}
	for _, l := range leftOut {
		if l.Unless && have[l.PID] {
			continue
		}
		if l.Slug == torn {
			if noted[l.PID] {
				continue
			}
			noted[l.PID] = true
		}
		list = append(list, l)
	}
	return list
}

// when is the time by which a child is sorted: its start, or its end if only
// that is known.
func when(c Child) time.Time {
	if c.Start.IsZero() {
		return c.End
	}
	return c.Start
}
