package rt

import "unsafe"

// liveMap is the map of this process; header is nil when there is none.
type liveMap struct {
	header *Header
	list   *MetaList
	dir    string
	region uintptr
}

var live liveMap

// unmapped is why Start could make no map.
var unmapped string

// Unmapped is the slug of what made a map impossible; empty in a process that
// has one, or that found no profile directory.
func Unmapped() string { return unmapped }

// Mapped reports whether this process's counters are in a file.
func Mapped() bool { return live.header != nil }

// Whole reports whether all of them are: then there is nothing to flush, ever.
func Whole() bool { return Mapped() && live.header.Flags&FlagWhole != 0 }

// Dir is the profile directory of a mapped process, else empty.
func Dir() string { return live.dir }

// Flush copies the counters that could not be mapped into the file. It makes
// no system call and takes no lock, and may be called at any time.
func Flush() {
	h := live.header
	if h == nil || h.EdgeOff == 0 {
		return
	}
	edge := unsafe.Add(unsafe.Pointer(h), h.EdgeOff)
	copyWords(edge, pointer(live.region), int(h.HeadWords))
	tail := live.region + 4*uintptr(h.Words-h.TailWords)
	copyWords(unsafe.Add(edge, 4*h.HeadWords), pointer(tail), int(h.TailWords))
}

// Exiting notes in the map that the process is about to exit by itself; the
// first note stands. An aggregate map has no room for it.
func Exiting(success bool) {
	h := live.header
	if h == nil || h.Flags&FlagAggregate != 0 {
		return
	}
	if h.Exit == ExitUnknown {
		h.Exit = ExitFailure
		if success {
			h.Exit = ExitSuccess
		}
	}
	Flush()
}

// Ready is called when all packages have registered, that is, when package
// main is initialised. It writes the binary's meta-data into the profile
// directory, unless another process has done so, and returns its hash in hex,
// or "" when there is none: no map, or no list.
func Ready() (hash string) {
	h, l := live.header, live.list
	if h == nil || l == nil {
		return ""
	}
	f, ok := l.summary()
	if !ok {
		return ""
	}
	hash = string(appendHex(nil, f.hash[:]))
	if h.MetaKnown == 0 {
		h.MetaHash, h.Mode = f.hash, uint32(f.mode)
		h.MetaKnown = 1
	}
	WriteOnce("covmeta."+hash, f.size, func() []byte { return l.content(f) })
	return hash
}

// copyWords copies n counters. Zeros are left out: the file has zeros already,
// and what is not written needs no memory.
func copyWords(to, from unsafe.Pointer, n int) {
	dst, src := words(to, n), words(from, n)
	for i, w := range src {
		if w != dst[i] {
			dst[i] = w
		}
	}
}

// pointer is the memory at an address outside of Go's heap.
func pointer(addr uintptr) unsafe.Pointer {
	return *(*unsafe.Pointer)(unsafe.Pointer(&addr))
}

// Counters is the memory of all counters of the program, nil in one that was not
// built for coverage.
func Counters() []uint32 {
	blobs := getCovCounterList()
	if len(blobs) != 1 {
		return nil
	}
	return words(unsafe.Pointer(blobs[0].counters), int(blobs[0].words))
}

// NoFiles reports whether the process found its profile directory and cannot
// write to it: no room, no descriptor, no permission. Any other attempt to
// write coverage would fail, too, and might say so on the program's stderr.
func NoFiles() bool {
	switch unmapped {
	case "map-no-space", "map-no-descriptors", "map-no-directory", "map-file-size-limit":
		return true
	}
	return false
}
