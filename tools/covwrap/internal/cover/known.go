package cover

import (
	"sort"
	"sync"
)

// knownTable is the source files that some input named without saying anything
// of them: Bazel's baseline coverage lists every instrumented file so.
type knownTable struct {
	mu    sync.Mutex
	names map[string]bool
}

// Know notes that the source file name exists.
func (s *Set) Know(name []byte) {
	t := &s.known
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.names == nil {
		t.names = map[string]bool{}
	}
	if !t.names[string(name)] {
		t.names[string(name)] = true
	}
}

// Unmeasured returns the source files that are known but not in the set, in
// order: the code that no test touched, which a report otherwise hides.
func (s *Set) Unmeasured() []string {
	s.known.mu.Lock()
	defer s.known.mu.Unlock()
	measured := map[string]bool{}
	for _, f := range s.Files() {
		source, _ := SplitName(f.Name)
		measured[source] = true
	}
	var names []string
	for name := range s.known.names {
		if !measured[name] {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	return names
}
