// Package phases splits what a process counted by the phases that were marked
// while it ran. Package embed/phase makes the marks and says what lies in the
// profile directory.
package phases

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"github.com/covwrap/covwrap/embed/countermap"
	"github.com/covwrap/covwrap/embed/phase"
)

// Start is the name of the phase before the first mark.
const Start = ""

// Mark is one mark of a profile directory.
type Mark struct {
	Time  int64  // nanoseconds since 1970
	Name  string // phase that begins; of a reset, the phase goes on
	Reset bool   // what came before is not to be reported
}

// Marks holds the marks of one profile directory, oldest first, and the
// snapshots that were taken at them.
type Marks struct {
	dir   string
	list  []Mark
	snaps map[string][]snap // by the map's ID
}

// snap is one snapshot of one process.
type snap struct {
	file string
	mark int64
	part bool // counters were taken out, not copied
}

// Part is what one process counted in one phase, in the form of its counter
// map. Parts of one process share nothing.
type Part struct {
	Phase    string
	Counters []uint32
}

// Read reads the marks. Without marks it is one look at the directory; most
// have none. An error names the file; the marks that could be read are
// returned as well.
func Read(dir string) (*Marks, error) {
	m := &Marks{dir: dir, snaps: map[string][]snap{}}
	d, err := os.Open(dir)
	if err != nil {
		return m, err
	}
	names, err := d.Readdirnames(-1)
	d.Close()
	if err != nil {
		return m, err
	}
	var errs []error
	for _, name := range names {
		if err := m.add(name); err != nil {
			errs = append(errs, err)
		}
	}
	sort.Slice(m.list, func(i, j int) bool { return m.list[i].Time < m.list[j].Time })
	for i := range m.list {
		if m.list[i].Reset && i > 0 {
			m.list[i].Name = m.list[i-1].Name
		}
	}
	for _, s := range m.snaps {
		sort.Slice(s, func(i, j int) bool { return s[i].mark < s[j].mark })
	}
	return m, errors.Join(errs...)
}

// add takes one name of the directory.
func (m *Marks) add(name string) error {
	if t, ok := strings.CutPrefix(name, phase.MarkPrefix); ok {
		ns, err := strconv.ParseInt(t, 10, 64)
		if err != nil {
			return nil // the lock
		}
		mark, err := readMark(filepath.Join(m.dir, name))
		if err == nil {
			mark.Time = ns
			m.list = append(m.list, mark)
		}
		return err
	}
	id, snapped := strings.CutPrefix(name, phase.SnapPrefix)
	part := false
	if !snapped {
		if id, part = strings.CutPrefix(name, phase.PartPrefix); !part {
			return nil
		}
	}
	i := strings.LastIndexByte(id, '.')
	if i < 0 {
		return nil
	}
	if ns, err := strconv.ParseInt(id[i+1:], 10, 64); err == nil {
		m.snaps[id[:i]] = append(m.snaps[id[:i]], snap{filepath.Join(m.dir, name), ns, part})
	}
	return nil
}

// maxMark bounds the content of a mark.
const maxMark = 1 << 10

func readMark(file string) (Mark, error) {
	f, err := open(file)
	if err != nil {
		return Mark{}, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxMark))
	if err != nil {
		return Mark{}, err
	}
	line := strings.TrimSuffix(string(data), "\n")
	if line == "reset" {
		return Mark{Reset: true}, nil
	}
	name, ok := strings.CutPrefix(line, "phase ")
	if !ok {
		return Mark{}, fmt.Errorf("%s: not a mark: %.100q is neither \"phase NAME\" nor \"reset\"", file, line)
	}
	if err := phase.CheckName(name); err != nil {
		return Mark{}, fmt.Errorf("%s: %w", file, err)
	}
	return Mark{Name: name}, nil
}

// Any reports, at the cost of one system call, whether somebody has begun to
// make a mark in the directory.
func Any(dir string) bool {
	_, err := os.Lstat(filepath.Join(dir, phase.LockName))
	return err == nil
}

// At returns the phase at a time, and whether a later reset dropped it.
func (m *Marks) At(ns int64) (name string, dropped bool) { return m.segment(ns) }

// Any reports whether there are marks; without any, nothing needs splitting.
func (m *Marks) Any() bool { return len(m.list) > 0 }

// Names returns the phases in the order of their first mark, beginning with
// Start.
func (m *Marks) Names() []string {
	names := []string{Start}
	seen := map[string]bool{Start: true}
	for _, k := range m.list {
		if !seen[k.Name] {
			seen[k.Name] = true
			names = append(names, k.Name)
		}
	}
	return names
}

// segment is the time between two neighbouring marks: the phase, and whether a
// later reset dropped it.
func (m *Marks) segment(at int64) (name string, dropped bool) {
	for _, k := range m.list {
		if k.Time <= at {
			name, dropped = k.Name, false
		} else if k.Reset {
			dropped = true
		}
	}
	return name, dropped
}

// ID is how snapshots name the map that they are of.
func ID(m *countermap.Map) string {
	if m.Flags&countermap.Aggregate != 0 {
		return strings.TrimPrefix(filepath.Base(m.Path), countermap.AggregatePrefix)
	}
	return fmt.Sprintf("%d.%d", m.PID, m.Start.UnixNano())
}

// Split splits the counters of the map with the ID, which says that it began
// at start, by phase. final must have been read from the map before Read was
// called, under phase.Exclude for an aggregate map: counters may be taken out of
// it in between, never put back, and in mode "set" alone it does no harm to see
// them twice. Phases in which nothing was counted, and those that were reset, are left
// out. An error names a snapshot that does not fit; the parts are then
// complete in sum but not divided at that mark.
func (m *Marks) Split(id string, start int64, final []uint32) ([]Part, error) {
	pieces, err := m.Pieces(id, start, final)
	return join(pieces), err
}

// Pieces is as Split, with one piece for each snapshot instead of one part for
// each phase: what one counter cannot hold, the counters of several pieces can.
func (m *Marks) Pieces(id string, start int64, final []uint32) ([]Part, error) {
	if i := misfit(final); i >= 0 {
		name, _ := m.segment(start)
		return []Part{{name, final}}, fmt.Errorf("the counter map %s has words that are no counters, from word %d of %d on", id, i, len(final))
	}
	var errs []error
	var parts []Part
	at := start                          // the segment that is being filled
	before := make([]uint32, len(final)) // counted before that segment
	emit := func(upTo []uint32, taken bool) {
		name, dropped := m.segment(at)
		if dropped {
			return
		}
		p := Part{Phase: name, Counters: make([]uint32, len(final))}
		if between(p.Counters, final, before, upTo, taken) {
			parts = append(parts, p)
		}
	}
	for _, s := range m.snaps[id] {
		counters, err := readSnap(s.file, len(final))
		if err != nil {
			errs = append(errs, err)
			continue
		}
		emit(counters, s.part)
		if !s.part {
			before = counters
		}
		at = s.mark
	}
	emit(final, false)
	return parts, errors.Join(errs...)
}

// misfit returns the place of the first word that promises more counters than
// there are, -1 if there is none.
func misfit(words []uint32) int {
	for i := 0; i < len(words); {
		switch n := uint64(words[i]); {
		case n == 0:
			i++
		case len(words)-i < 4 || n > uint64(len(words)-i-3):
			return i
		default:
			i += 3 + int(n)
		}
	}
	return -1
}

// between fills one part: to - from, or, where counters were taken out, to
// alone. The words before the counters of each function come from the map,
// where they stay once they were written. It reports whether anything was
// counted. A counter that went back was changed by the program itself; it
// counts as nothing.
func between(part, final, from, to []uint32, taken bool) (any bool) {
	for i := 0; i < len(final); {
		n := int(final[i])
		if n == 0 {
			i++
			continue
		}
		ran := false
		for j := i + 3; j < i+3+n; j++ {
			if taken {
				part[j] = to[j]
			} else if to[j] > from[j] {
				part[j] = to[j] - from[j]
			}
			ran = ran || part[j] != 0
		}
		if ran {
			copy(part[i:i+3], final[i:i+3])
			any = true
		}
		i += 3 + n
	}
	return any
}

// join adds up the parts of one phase that came more than once.
func join(parts []Part) []Part {
	var out []Part
	place := map[string]int{}
	for _, p := range parts {
		if i, ok := place[p.Phase]; ok {
			add(out[i].Counters, p.Counters)
			continue
		}
		place[p.Phase] = len(out)
		out = append(out, p)
	}
	return out
}

// Total adds up the parts of one process: what it counted, without what was
// reset.
func Total(parts []Part, words int) []uint32 {
	total := make([]uint32, words)
	for _, p := range parts {
		add(total, p.Counters)
	}
	return total
}

// add adds b to a, which are parts of one process. From where b's words are no
// counters, of a damaged map that Split left in one part, they are copied: who
// reads the sum then finds the damage, too.
func add(a, b []uint32) {
	good := misfit(b)
	if good < 0 {
		good = len(b)
	}
	copy(a[good:], b[good:])
	for i := 0; i < good; {
		if b[i] == 0 {
			i++ // nothing, or a function that only a has: its counters are zero in b
			continue
		}
		n := int(b[i])
		copy(a[i:i+3], b[i:i+3])
		for j := i + 3; j < i+3+n; j++ {
			if sum := a[j] + b[j]; sum >= a[j] {
				a[j] = sum
			} else {
				a[j] = ^uint32(0)
			}
		}
		i += 3 + n
	}
}

// readSnap reads a snapshot, which must have n words.
func readSnap(file string, n int) ([]uint32, error) {
	f, err := open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, int64(4*n)+1))
	if err != nil {
		return nil, err
	}
	if len(data) != 4*n {
		return nil, fmt.Errorf("%s: a snapshot of %d counters has %d bytes, but at least %d were found; its phase is counted with the next one", file, n, 4*n, len(data))
	}
	words := make([]uint32, n)
	for i := range words {
		words[i] = binary.NativeEndian.Uint32(data[4*i:])
	}
	return words, nil
}

// Snapshots returns the snapshot files of a map, to be removed together with it.
func (m *Marks) Snapshots(id string) []string {
	var files []string
	for _, s := range m.snaps[id] {
		files = append(files, s.file)
	}
	return files
}
