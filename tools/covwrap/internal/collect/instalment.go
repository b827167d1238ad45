package collect

import (
	"time"

	"github.com/covwrap/covwrap/tools/covwrap/internal/covdata"
)

// instalment is a counter file that a process wrote while it went on (package
// embed, on systems without counter maps): it has what was counted since the
// one before, and no command line, which Go's own file at the end has.
type instalment struct {
	pid  int
	hash covdata.Hash
}

// paying is a process that has written instalments, and not its last file yet.
type paying struct {
	child int
	// paid is what it has counted so far, by package and function: a block that
	// is in several instalments is covered once.
	paid map[[2]uint32][]bool
}

// addFile adds the counters in scratch, from a file that a process wrote: as a
// child, or to the child whose instalments came before. A process number that
// comes around again within one binary is taken for the same process if the
// first wrote instalments only; sums do not depend on it.
func (c *Collector) addFile(pid int, nanos int64, counters *covdata.Counters, bin *binary) (child int) {
	id := instalment{pid, counters.MetaHash}
	p := c.paying[id]
	last, collected := len(counters.Args) > 0, "flush"
	if last {
		collected = "stock"
	}
	defer func() {
		if last {
			delete(c.paying, id)
		} else {
			c.paying[id] = p
		}
	}()
	if p == nil {
		c.add(fileChild(pid, nanos, c.interned.Strings(counters.Argv()), bin, collected), bin, counters.Args["GOOS"], counters.Args["GOARCH"])
		p = &paying{child: len(c.children) - 1, paid: map[[2]uint32][]bool{}}
		if !last {
			c.scratch.visit(func(pkg, fn uint32, counts []uint32) { p.pay(pkg, fn, counts) })
		}
		return p.child
	}
	m := &c.children[p.child]
	c.scratch.visit(func(pkg, fn uint32, counts []uint32) {
		fresh, more := p.pay(pkg, fn, counts)
		m.BlocksCovered += bin.Add(p.child, pkg, fn, fresh)
		if bin.Mode != covdata.ModeSet { // there a block counts once a process
			bin.Add(p.child, pkg, fn, more)
		}
	})
	m.End, m.Collected = time.Unix(0, nanos).UTC(), collected
	if last {
		m.Argv = c.interned.Strings(counters.Argv())
	}
	// The child has the name of its first profile; the folder has them all.
	c.profile.keep(bin, pid, nanos, counters.Args, &c.scratch)
	return p.child
}

// pay divides the counts of one function into those of blocks that no
// instalment has had, and the rest.
func (p *paying) pay(pkg, fn uint32, counts []uint32) (fresh, more []uint32) {
	at := [2]uint32{pkg, fn}
	paid := p.paid[at]
	if paid == nil {
		paid = make([]bool, len(counts))
		p.paid[at] = paid
	}
	fresh, more = make([]uint32, len(counts)), make([]uint32, len(counts))
	for i, n := range counts {
		if paid[i] {
			more[i] = n
		} else {
			fresh[i], paid[i] = n, n != 0
		}
	}
	return fresh, more
}
