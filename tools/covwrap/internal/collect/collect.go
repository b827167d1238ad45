// Package collect reads what the processes under a test left in the profile
// directory and adds it up.
//
// It may be asked again and again while the test runs: what belongs to
// processes that have ended is folded into the sums and deleted, so that a
// test with a hundred thousand children needs the disk of those that are
// alive. A process that has a counter map is read from its map alone.
//
// A file that does not fit is put aside by name and reason; the others are
// collected.
package collect

import (
	"os"
	"path/filepath"
	"slices"
	"sort"
	"time"

	"github.com/covwrap/covwrap/embed/countermap"
	"github.com/covwrap/covwrap/tools/covwrap/internal/intern"
	"github.com/covwrap/covwrap/tools/covwrap/internal/ledger"
	"github.com/covwrap/covwrap/tools/covwrap/internal/profdir"
	"github.com/covwrap/covwrap/tools/covwrap/internal/profiles"
	"github.com/covwrap/covwrap/tools/covwrap/internal/tally"
)

// Bounds on what is read. A Go binary of a million blocks has a counter map of
// 5 MB and meta-data of 10 MB.
const (
	maxMap      = 256 << 20
	maxWords    = 48 << 20
	maxMeta     = 512 << 20
	maxCounters = 256 << 20
	maxSources  = 64 << 20
	maxLog      = 1 << 20
	// maxTrouble bounds the troubles of one kind that are named.
	maxTrouble = 10
	// maxLeftOut bounds the left-out processes that are named.
	maxLeftOut = 1000
)

// Config says where to read and what to keep.
type Config struct {
	Dir string // the profile directory
	// Profiles keeps the profile of every process; nil keeps none.
	Profiles *profiles.Store
	// Alive says whether the process of a map still runs: then its map is
	// left alone. nil takes all for dead.
	Alive func(m *countermap.Map) bool
	// AggregateFrom is after how many processes of one executable those that
	// start from then on count into one map, 0 never; with 1, as soon as the
	// first one is running.
	AggregateFrom int
}

// Collector adds up one profile directory. Not for concurrent use.
type Collector struct {
	Config
	tally    *tally.Tally
	binaries *binaries
	children []Child
	joined   []Joined
	leftOut  []LeftOut
	leftMore int
	troubles []ledger.Trouble
	profile  *keeper
	phases   byPhase

	keep     bool                 // leave the files where they are
	done     map[string]bool      // files that are finished with but still there
	left     int                  // files of processes that the last fold left
	mapped   map[int][]span       // by pid: when a process with a map ran
	folded   int64                // when the last fold began
	ids      map[string]processID // of the maps whose process number is not unique
	newest   map[processID]int64  // start of the newest image of these processes
	paying   map[instalment]*paying
	log      []byte
	words    []uint32 // reused for each map
	interned intern.Table
	scratch  scratch

	aggregates aggregates
}

// processID tells processes apart whatever the reuse of numbers, and is the
// same before and after exec.
type processID struct {
	pid   int
	pidns uint64
	ticks uint64
}

// span is the time in which a process with a counter map ran.
type span struct{ start, end int64 } // end 0: still open

// Child is a process whose counters were collected. Its Ledger part lacks what
// only the process table knows: how it ended.
type Child struct {
	ledger.Child
	PIDNS uint64          // pid namespace in which PID holds; 0 unknown
	Ticks uint64          // kernel's start time; 0 unknown
	Noted countermap.Exit // what the process itself said about its end
}

// Joined is a process whose counters are in those of an aggregate map.
type Joined struct {
	countermap.Record
	Exe string
}

// LeftOut is a process that is not in the sums.
type LeftOut struct {
	ledger.LeftOut
	Nanos int64 // when it started or wrote, from the file's name
	// Unless is true for a note of trouble that does not matter if counters of
	// the process arrived another way.
	Unless bool
}

// New returns a collector that has read nothing yet.
func New(c Config) *Collector {
	if c.Alive == nil {
		c.Alive = func(*countermap.Map) bool { return false }
	}
	t := tally.New()
	col := &Collector{
		Config: c, tally: t, done: map[string]bool{},
		mapped: map[int][]span{}, ids: map[string]processID{}, newest: map[processID]int64{},
		paying:     map[instalment]*paying{},
		aggregates: newAggregates(),
	}
	col.binaries = newBinaries(c.Dir, t, col.trouble)
	col.binaries.once = c.AggregateFrom == 1
	col.phases = byPhase{map[string]*tally.Tally{}, map[inPhase]*tally.Binary{}}
	col.profile = &keeper{store: c.Profiles, trouble: col.trouble}
	return col
}

// Fold reads what is finished: the files of processes that have ended.
// Maps of processes that still run stay; left is how many files do that were
// there when it began. An error means that the profile directory cannot be read;
// what was read before stays in the sums.
func (c *Collector) Fold() (left int, err error) {
	err = c.fold(false)
	return c.left, err
}

// Finish reads all that is left, whether its process has ended or not.
func (c *Collector) Finish() error { return c.fold(true) }

func (c *Collector) fold(final bool) error {
	c.forget()
	var entries []profdir.Entry
	err := profdir.List(c.Dir, func(e profdir.Entry) {
		switch e.Kind {
		case profdir.Discard, profdir.Mark, profdir.Socket:
		case profdir.Other:
			if final {
				c.trouble("foreign-file", e.Name+": no file of covwrap's; somebody else writes into the profile directory")
			}
		default:
			if !c.done[e.Name] {
				entries = append(entries, e)
			}
		}
	})
	if err != nil {
		c.trouble("profile-directory-lost", err.Error()+"; the counters of processes that had not been collected by then are lost. Does the test clean up its temporary folder while children run?")
		return err
	}
	// By time, so that the sums of a map come before the counter files that
	// its process may have written, and ledgers come out in one order.
	sort.Slice(entries, func(i, j int) bool {
		a, b := &entries[i], &entries[j]
		if a.Kind != b.Kind {
			return a.Kind < b.Kind
		}
		if a.Nanos != b.Nanos {
			return a.Nanos < b.Nanos
		}
		return a.Name < b.Name
	})
	for _, e := range entries {
		if e.Kind == profdir.Map {
			c.noteMap(e)
		}
	}
	c.aggregates.joined = nil
	for _, e := range entries {
		if e.Kind == profdir.Aggregate {
			c.aggregates.names[e.Name] = true
		}
		if e.Kind == profdir.Map {
			c.noteImage(e)
		}
		if e.Kind == profdir.Counters {
			c.noteFlush(e)
		}
	}
	for _, e := range entries {
		switch e.Kind {
		case profdir.Map:
			c.foldMap(e, final)
		case profdir.Aggregate:
			if final {
				c.foldAggregate(e)
			}
		case profdir.Counters:
			c.foldCounters(e, final)
		case profdir.Note:
			c.foldNote(e)
		case profdir.Torn:
			// Torn meta-data does not tell whose it is; its process has no
			// counters either and is found by that.
			if final && e.PID != 0 {
				c.leave(LeftOut{
					LeftOut: ledger.LeftOut{PID: e.PID, Slug: torn, Why: e.Name + ": the process was ended while it wrote its counters", Mend: ledger.MendStock},
					Unless:  true,
				})
			}
		case profdir.Log:
			if final {
				c.log, _ = profdir.Read(c.Dir, e.Name, maxLog)
			}
		}
	}
	c.left = len(c.done)
	for _, e := range entries {
		if e.Kind == profdir.Map || e.Kind == profdir.Counters {
			if _, err := os.Lstat(c.path(e.Name)); err == nil && !c.done[e.Name] {
				c.left++
			}
		}
	}
	if final {
		c.profile.finish()
	}
	return nil
}

// forget drops what is known of processes with maps that had been folded before
// the last fold began: what they wrote themselves was seen by that one.
func (c *Collector) forget() {
	for pid, spans := range c.mapped {
		spans = slices.DeleteFunc(spans, func(s span) bool { return s.end != 0 && s.end < c.folded })
		if len(spans) == 0 {
			delete(c.mapped, pid)
		} else {
			c.mapped[pid] = spans
		}
	}
	c.folded = time.Now().UnixNano()
}

// torn is the slug of a process that was ended while it wrote its counters.
const torn = "torn-counters"

// trouble names something that concerns no single process.
func (c *Collector) trouble(slug, text string) {
	n := 0
	for i := range c.troubles {
		t := &c.troubles[i]
		if t.Slug != slug {
			continue
		}
		if t.Text == text {
			return
		}
		if n++; n == maxTrouble {
			t.More++
			return
		}
	}
	c.troubles = append(c.troubles, ledger.Trouble{Slug: slug, Text: text})
}

// leave names a process that is left out.
func (c *Collector) leave(l LeftOut) {
	if len(c.leftOut) == maxLeftOut {
		c.leftMore++
		return
	}
	c.leftOut = append(c.leftOut, l)
}

// path returns the path of a file in the profile directory.
func (c *Collector) path(name string) string { return filepath.Join(c.Dir, name) }
