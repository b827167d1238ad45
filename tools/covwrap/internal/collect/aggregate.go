package collect

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/covwrap/covwrap/embed/countermap"
	"github.com/covwrap/covwrap/embed/phase"
	"github.com/covwrap/covwrap/tools/covwrap/internal/covdata"
	"github.com/covwrap/covwrap/tools/covwrap/internal/ledger"
	"github.com/covwrap/covwrap/tools/covwrap/internal/phases"
	"github.com/covwrap/covwrap/tools/covwrap/internal/profdir"
)

// aggregates is what the collector knows of aggregate maps.
type aggregates struct {
	ran     map[countermap.BinaryID]int  // processes collected of each executable
	decided map[countermap.BinaryID]bool // there is one, or there can be none
	seen    map[string]bool              // live maps whose executable is decided
	names   map[string]bool              // of the files
	joined  map[joiner][]int64           // when each began; nil until it is asked for
}

// joiner is a process that counts into an aggregate map, as counter files name it.
type joiner struct {
	hash covdata.Hash
	pid  int
}

func newAggregates() aggregates {
	return aggregates{ran: map[countermap.BinaryID]int{}, decided: map[countermap.BinaryID]bool{}, names: map[string]bool{}}
}

// Consider looks at the processes that have just begun, and makes aggregate maps
// for what they run if that is to be done at once.
func (c *Collector) Consider() {
	if c.AggregateFrom != 1 {
		return
	}
	seen := map[string]bool{}
	profdir.List(c.Dir, func(e profdir.Entry) {
		if e.Kind != profdir.Map {
			return
		}
		if c.aggregates.seen[e.Name] {
			seen[e.Name] = true
			return
		}
		if profdir.Check(c.path(e.Name), maxMap) != nil {
			return
		}
		m, err := countermap.Open(c.path(e.Name))
		if err != nil {
			return // whoever collects it says what is wrong
		}
		defer m.Close()
		c.aggregate(m)
		seen[e.Name] = c.aggregates.decided[m.Binary]
	})
	c.aggregates.seen = seen
}

// considerFolded makes the aggregate map of an executable when enough of its
// processes have been collected.
func (c *Collector) considerFolded(m *countermap.Map) {
	if c.AggregateFrom == 0 {
		return
	}
	if c.aggregates.ran[m.Binary]++; c.aggregates.ran[m.Binary] >= c.AggregateFrom {
		c.aggregate(m)
	}
}

// aggregate makes the aggregate map of the executable that m is of, if that can
// be told by now. No mark is made meanwhile: one that has not seen the map would
// not divide it.
func (c *Collector) aggregate(m *countermap.Map) {
	if c.aggregates.decided[m.Binary] {
		return
	}
	err := m.CanAggregate()
	if err != nil && !errors.Is(err, countermap.ErrNoAggregate) {
		return
	}
	if c.AggregateFrom > 1 && m.Mode() != countermap.ModeAtomic {
		err = countermap.ErrNoAggregate // what is reported would depend on when it began
	}
	if err == nil {
		err = phase.Exclude(c.Dir, func() error { return m.MakeAggregate(c.Dir, time.Now()) })
		if errors.Is(err, phase.ErrBusy) {
			return // another time
		}
	}
	c.aggregates.decided[m.Binary] = true
	if errors.Is(err, countermap.ErrNoAggregate) {
		return
	}
	if err != nil {
		c.trouble("aggregate-not-made", err.Error()+"; every process has a map of its own")
	}
	c.aggregates.names[m.Binary.AggregateName()] = true
}

// Relieve empties aggregate maps with counters that might run over before it is
// called again: it is to be called every second. What one process counts cannot
// come near the limit in that time, what very many count together can.
func (c *Collector) Relieve() {
	for name := range c.aggregates.names {
		if !c.brimming(name) {
			continue
		}
		if err := phase.Take(c.Dir, name); err != nil {
			c.trouble("aggregate-not-relieved", err.Error()+"; counters may run over")
		}
	}
}

// brim is half of what a counter holds. To count the other half takes ten
// seconds of nothing but that.
const brim = 1 << 31

// brimming reports whether a counter of an aggregate map has reached the brim.
func (c *Collector) brimming(name string) bool {
	if profdir.Check(c.path(name), maxMap) != nil {
		return false
	}
	m, err := countermap.Open(c.path(name))
	if err != nil {
		return false
	}
	defer m.Close()
	if m.Mode() != countermap.ModeAtomic || m.Words > maxWords {
		return false
	}
	if c.words, err = m.Counters(c.words); err != nil {
		return false
	}
	full := errors.New("full")
	err = m.VisitFuncs(c.words, nil, func(_, _ uint32, counters []uint32) error {
		for _, n := range counters {
			if n >= brim {
				return full
			}
		}
		return nil
	})
	return err == full
}

// hasJoined reports whether a process that wrote counters itself counts into an
// aggregate map, where they are, too.
func (c *Collector) hasJoined(e profdir.Entry) bool {
	if len(c.aggregates.names) == 0 {
		return false
	}
	if c.aggregates.joined == nil {
		c.aggregates.joined = map[joiner][]int64{}
		for name := range c.aggregates.names {
			c.noteRecords(name)
		}
	}
	for _, start := range c.aggregates.joined[joiner{e.Hash, e.PID}] {
		if start <= e.Nanos {
			return true
		}
	}
	return false
}

func (c *Collector) noteRecords(name string) {
	if profdir.Check(c.path(name), maxMap) != nil {
		return
	}
	m, err := countermap.Open(c.path(name))
	if err != nil {
		return
	}
	defer m.Close()
	records, err := m.Records()
	hash, ok := m.MetaHash()
	if err != nil || !ok {
		return
	}
	for _, r := range records {
		j := joiner{covdata.Hash(hash), r.PID}
		c.aggregates.joined[j] = append(c.aggregates.joined[j], r.Start.UnixNano())
	}
}

// foldAggregate adds an aggregate map, when all processes have ended.
func (c *Collector) foldAggregate(e profdir.Entry) {
	path := c.path(e.Name)
	m, records, pieces, err := c.readAggregate(path)
	if errors.Is(err, os.ErrNotExist) {
		return
	}
	var bin *binary
	if err == nil {
		defer m.Close()
		if bin, _, err = c.binaries.ofMap(m, true); err == nil {
			err = fit(m, bin, pieces)
		}
	}
	if err != nil {
		l := LeftOut{LeftOut: ledger.LeftOut{Slug: "map-damaged", Why: err.Error(), Mend: mendForeign}}
		if m != nil {
			l.Nanos = m.Start.UnixNano()
			l.Why = fmt.Sprintf("%d processes of %s: %s", len(records), m.Exe, l.Why)
		}
		c.leave(l)
		c.leftMore += max(len(records)-1, 0)
		c.done[e.Name] = true
		return
	}
	if len(records) > 0 {
		c.addAggregate(m, bin, records, pieces)
	}
	c.removeSnapshots(m)
	m.Close()
	c.finished(e)
}

// readAggregate reads all that an aggregate map has. Nobody takes counters out
// of it meanwhile, which would then be seen twice.
func (c *Collector) readAggregate(path string) (m *countermap.Map, records []countermap.Record, pieces []phases.Part, err error) {
	if err := profdir.Check(path, maxMap); err != nil {
		return nil, nil, nil, err
	}
	if m, err = countermap.Open(path); errors.Is(err, countermap.ErrUnfinished) {
		// Nobody could see it before it was complete.
		return nil, nil, nil, fmt.Errorf("%s: no counter map, or only the beginning of one", path)
	} else if err != nil {
		return nil, nil, nil, err
	}
	if m.Flags&countermap.Aggregate == 0 || m.Words > maxWords {
		err = fmt.Errorf("%s: no aggregate map, or with too many counters (%d)", path, m.Words)
	}
	if err == nil {
		records, err = m.Records()
	}
	if err == nil {
		read := func() error {
			if c.words, err = m.Counters(c.words); err != nil {
				return err
			}
			marks, err := phases.Read(c.Dir)
			if err != nil {
				c.trouble("mark-damaged", err.Error())
			}
			if pieces, err = marks.Pieces(phases.ID(m), m.Start.UnixNano(), c.words); err != nil {
				c.trouble("mark-damaged", err.Error())
			}
			return nil
		}
		// Not where nobody ever made a mark: we may have no right to write there.
		// And not if a process that has the lock is stopped.
		if phases.Any(c.Dir) {
			err = phase.Exclude(c.Dir, read)
		}
		if pieces == nil && (err == nil || errors.Is(err, phase.ErrBusy)) {
			err = read()
		}
	}
	if err != nil {
		m.Close()
	}
	return m, records, pieces, err
}

// fit checks all words of the pieces against the binary.
func fit(m *countermap.Map, bin *binary, pieces []phases.Part) error {
	for _, p := range pieces {
		err := m.VisitFuncs(p.Counters, bin.pkgs, func(pkg, fn uint32, counters []uint32) error {
			if pkg == countermap.UnknownPackage {
				return nil
			}
			return bin.Check(pkg, fn, len(counters))
		})
		if err != nil {
			return fmt.Errorf("%s: does not fit its meta-data covmeta.%v: %w", m.Path, bin.Hash, err)
		}
	}
	return nil
}

// addAggregate adds the pieces as what one child counted.
func (c *Collector) addAggregate(m *countermap.Map, bin *binary, records []countermap.Record, pieces []phases.Part) {
	child := c.childOfMap(m, bin)
	child.Collected, child.Processes = "aggregate", len(records)
	i := len(c.children)
	// The sum of the pieces may be more than counters of Go's format hold,
	// where it is cut off; in the tally it is not.
	c.scratch.reset()
	m.VisitFuncs(phases.Total(pieces, m.Words), bin.pkgs, func(pkg, fn uint32, counters []uint32) error {
		if pkg != countermap.UnknownPackage {
			c.scratch.add(pkg, fn, counters)
			child.BlocksCovered += bin.Covered(pkg, fn, counters)
		}
		return nil
	})
	for _, p := range pieces {
		m.VisitFuncs(p.Counters, bin.pkgs, func(pkg, fn uint32, counters []uint32) error {
			if pkg != countermap.UnknownPackage {
				bin.Add(i, pkg, fn, counters)
			}
			return nil
		})
	}
	if phases.Any(c.Dir) {
		c.addParts(m, bin, i, pieces)
	}
	bin.processes += len(records)
	child.Profile = c.profile.keep(bin, 0, m.Start.UnixNano(), covdata.Args([]string{m.Exe}, m.GOOS, m.GOARCH), &c.scratch)
	c.children = append(c.children, child)
	for _, r := range records {
		c.joined = append(c.joined, Joined{r, child.Exe})
	}
}
