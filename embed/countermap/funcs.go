package countermap

import "fmt"

// VisitFuncs calls visit for every function of the snapshot that has a
// non-zero counter: pkg is the package's index in the binary's meta-data, fn
// the function's index in the package, counters one word per block (valid
// during the call only). pkgs resolves the hard-coded ids of the runtime's own
// packages; it may be nil. A function whose package cannot be told (it ran
// before its package registered) is visited with pkg = UnknownPackage.
// Errors: the first of visit, or a *FormatError for words that are no
// counters; functions before that were visited.
//
// The words of a function are (internal/coverage/defs.go)
//
//	number of counters, package id, function id, counters...
//
// all zero until it first runs. It writes them in this order, so a process that
// was killed in between leaves an incomplete head and no counts: that is
// skipped, as Go itself does.
func (m *Map) VisitFuncs(counters []uint32, pkgs []PackageRef, visit func(pkg, fn uint32, counters []uint32) error) error {
	const head = 3
	hard := map[uint32]uint32{}
	for i, p := range pkgs {
		if p.ID != -1 {
			hard[uint32(int32(p.ID))] = uint32(i)
		}
	}
	for i := 0; i < len(counters); {
		n := counters[i]
		if n == 0 {
			i++
			continue
		}
		if len(counters)-i < head || uint64(n) > uint64(len(counters)-i-head) {
			return &FormatError{m.Path, fmt.Sprintf("word %d of %d says that a function with %d counters follows", i, len(counters), n)}
		}
		id, fn := counters[i+1], counters[i+2]
		live := counters[i+head : i+head+int(n)]
		i += head + int(n)
		if !anyNonZero(live) {
			continue
		}
		pkg := id - 1 // ids begin with 1
		if id == 0 || int32(id) < 0 {
			var ok bool
			if pkg, ok = hard[id]; !ok {
				pkg = UnknownPackage
			}
		}
		if err := visit(pkg, fn, live); err != nil {
			return err
		}
	}
	return nil
}

func anyNonZero(w []uint32) bool {
	for _, c := range w {
		if c != 0 {
			return true
		}
	}
	return false
}
