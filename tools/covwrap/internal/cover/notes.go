package cover

import (
	"sort"
	"sync"
)

// maxMissing bounds how many left-out children a set names. More are counted:
// a test that leaves out ten thousand children has one reason, not ten
// thousand, and the notes travel in every tracefile from there on.
const maxMissing = 200

// Notes are what the launcher says about a test's children in the comment
// lines of its tracefile.
type Notes struct {
	Tests   int64            // tracefiles that carried notes: one per test under the launcher
	Counts  map[string]int64 // "spawned", "covered", "collected", ...: sums
	Missing []string         // "SLUG REST" per left-out child, sorted
	More    int64            // left-out children beyond those named
}

// noteTable is Notes under construction.
type noteTable struct {
	mu      sync.Mutex
	tests   int64
	counts  map[string]int64
	missing map[string]int64
	more    int64
}

// AddNoteCount adds n to a count of the notes.
func (s *Set) AddNoteCount(name string, n int64) {
	t := &s.notes
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.counts == nil {
		t.counts = map[string]int64{}
	}
	t.counts[name], _ = sum(t.counts[name], n)
}

// AddNoteTests counts tests that sent notes.
func (s *Set) AddNoteTests(n int64) {
	s.notes.mu.Lock()
	defer s.notes.mu.Unlock()
	s.notes.tests, _ = sum(s.notes.tests, n)
}

// AddMissing notes a child that was left out. The text begins with the slug
// of the reason.
func (s *Set) AddMissing(text string) {
	t := &s.notes
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.missing == nil {
		t.missing = map[string]int64{}
	}
	t.missing[text]++
	// Which texts survive must not depend on the order of arrival: keep the
	// smallest ones. Pruning at twice the bound keeps this linear.
	if len(t.missing) >= 2*maxMissing {
		t.prune()
	}
}

// AddMore counts left-out children that were already beyond naming.
func (s *Set) AddMore(n int64) {
	s.notes.mu.Lock()
	defer s.notes.mu.Unlock()
	s.notes.more, _ = sum(s.notes.more, n)
}

// prune keeps the maxMissing smallest texts and counts the others.
func (t *noteTable) prune() {
	texts := make([]string, 0, len(t.missing))
	for text := range t.missing {
		texts = append(texts, text)
	}
	sort.Strings(texts)
	for _, text := range texts[min(maxMissing, len(texts)):] {
		t.more += t.missing[text]
		delete(t.missing, text)
	}
}

// Notes returns the sum of all notes.
func (s *Set) Notes() Notes {
	t := &s.notes
	t.mu.Lock()
	defer t.mu.Unlock()
	t.prune()
	n := Notes{Tests: t.tests, More: t.more, Counts: map[string]int64{}}
	for name, count := range t.counts {
		n.Counts[name] = count
	}
	texts := make([]string, 0, len(t.missing))
	for text := range t.missing {
		texts = append(texts, text)
	}
	sort.Strings(texts)
	for _, text := range texts {
		for count := t.missing[text]; count > 0; count-- {
			if len(n.Missing) == maxMissing {
				n.More, _ = sum(n.More, count)
				break
			}
			n.Missing = append(n.Missing, text)
		}
	}
	return n
}
