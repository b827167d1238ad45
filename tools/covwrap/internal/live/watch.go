package live

import (
	"cmp"
	"errors"
	"io/fs"
	"slices"

	"github.com/covwrap/covwrap/tools/covwrap/internal/tally"
)

// Watcher compares what runs now with what had run before. It remembers what
// it saw of processes that have ended since, so that coverage never shrinks.
type Watcher struct {
	dir    string
	reader *Reader
	seen   map[string]*Process // by map file; what was last read of each
	before map[place]uint64    // counts of the last frame
	first  bool
}

// place is one function of the source, in whatever binaries.
type place struct{ file, name string }

// NewWatcher returns a watcher of the processes of a profile directory, or of
// all processes of the machine if dir is "".
func NewWatcher(dir string) *Watcher {
	return &Watcher{dir: dir, reader: NewReader(), seen: map[string]*Process{}, before: map[place]uint64{}, first: true}
}

// Frame is one look.
type Frame struct {
	Running []*Process // by map file
	Ended   int        // processes that were seen running before
	Ran     int        // statements, of all processes seen
	All     int
	Changed []Change // what ran since the last look; none in the first
}

// Change is a function that ran since the last look.
type Change struct {
	Name string // function
	File string // Go's name of its file
	Line int
	// Hits is how much the sum of its counters grew; with -covermode=set, how
	// many of its blocks ran for the first time in a process.
	Hits uint64
	// New is true if the function had not run before.
	New bool
}

// Next looks again.
func (w *Watcher) Next() (*Frame, error) {
	files, err := Find(w.dir, nil)
	if err != nil {
		return nil, err
	}
	f := &Frame{}
	running := map[string]bool{}
	var errs []error
	for _, file := range files {
		p, err := w.reader.Read(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue // ended and collected meanwhile
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		w.seen[file] = p
		running[file] = true
		f.Running = append(f.Running, p)
	}
	t := tally.New()
	child := 0
	for _, p := range w.seen {
		p.AddTo(t, child)
		child++
	}
	f.Ended = len(w.seen) - len(running)
	f.Ran, f.All = Statements(t.Packages)
	f.Changed = w.compare(t)
	return f, errors.Join(errs...)
}

// compare returns what grew since the last look, most hits first.
func (w *Watcher) compare(t *tally.Tally) []Change {
	now := map[place]uint64{}
	lines := map[place]int{}
	for _, p := range t.Packages {
		for i, f := range p.Funcs {
			at := place{f.File, f.Name}
			for j, c := range p.Func(i) {
				now[at] += c
				if l := int(f.Units[j].StartLine); lines[at] == 0 || l < lines[at] {
					lines[at] = l
				}
			}
		}
	}
	var changed []Change
	for at, n := range now {
		if old := w.before[at]; n > old && !w.first {
			changed = append(changed, Change{Name: at.name, File: at.file, Line: lines[at], Hits: n - old, New: old == 0})
		}
	}
	slices.SortFunc(changed, func(a, b Change) int {
		return cmp.Or(cmp.Compare(b.Hits, a.Hits), cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Name, b.Name))
	})
	w.before, w.first = now, false
	return changed
}
