// Package countermap reads counter maps: the files that back the coverage
// counters of live Go processes (package embed/auto makes them).
//
// A counter map holds everything that is needed to report the coverage of one
// process, however that process ended and also while it still runs. The file
// belongs to the process under test, so the reader trusts nothing in it: every
// offset and length is checked against the file, and a file that does not fit
// is refused with an error that names the file and what is wrong with it.
package countermap

import (
	"time"
)

// FilePrefix begins the name of every counter map:
// covmap.<pid>.<start, ns since 1970>.
const FilePrefix = "covmap."

// NotePrefix begins the name of an empty file that stands for a process which
// could not make a counter map: covnote.<pid>.<ns>.<slug>. The name alone says
// what went wrong, because a process under `ulimit -f 0` can make a file but
// cannot write to one.
const NotePrefix = "covnote."

// Flags say which way the counters of a process got into its file.
type Flags uint32

const (
	// Whole: the kernel keeps every counter; the file is exact at any moment.
	Whole Flags = 1 << iota
	// Edges: only whole pages inside the region are kept by the kernel. The
	// counters on the first and last page were copied when the process
	// exited or handled a signal, and are missing after SIGKILL.
	Edges
	// Table: the package table is kept up to date (see Packages). Without it
	// (an import of embed/auto under plain `go build -cover`) package ids are
	// positions in the covmeta file that Go's own runtime wrote.
	Table
	// ArgvTruncated: the command line did not fit and was cut.
	ArgvTruncated
)

// State is how far the process got in making its map.
type State uint32

const (
	// Preparing: the process ended, or still is, between making the file and
	// mapping it. The counters are those of package initialisation so far.
	Preparing State = iota
	// Live: the counters are mapped.
	Live
)

// Exit is what the process itself noted about its end. A process that was
// ended by a signal, a panic or exec could note nothing.
type Exit uint32

const (
	ExitUnknown  Exit = iota
	ExitSuccess       // os.Exit(0) or return from main
	ExitFailure       // os.Exit(n), n != 0
)

// Mode is Go's coverage.CounterMode: 1 set, 2 count, 3 atomic; 0 unknown.
type Mode uint8

// Map is an open counter map.
type Map struct {
	Path    string // the file
	State   State
	Flags   Flags
	Exit    Exit
	PID     int    // as the process itself saw it (pid namespaces)
	PPID    int    // parent when the map was made
	UID     int    // effective uid when the map was made
	PIDNS   uint64 // inode of the process's pid namespace; 0 unknown
	Ticks   uint64 // start of the process in clock ticks after boot (/proc/PID/stat field 22); the same before and after exec; 0 unknown
	Start   time.Time
	Argv    []string
	Exe     string // absolute path of the executable when it started
	Dir     string // working directory when it started
	GOOS    string
	GOARCH  string
	Go      string // runtime.Version()
	Words   int    // number of counter words (uint32)
	Binary  BinaryID
}

// BinaryID tells builds apart without reading them: two processes with equal
// BinaryIDs ran the same file.
type BinaryID struct {
	Dev, Inode  uint64
	Size        int64
	ModTimeNano int64
}

// PackageRef is one registered package, at its position in the binary's
// registration order (which is the package index in Go's own counter files).
type PackageRef struct {
	Path string   // import path; empty when it cannot be read from the executable
	Hash [16]byte // md5 of the meta-data blob
	Len  uint32   // length of the blob
	ID   int      // hard-coded (negative) package id of the runtime's own packages, else -1
	Mode Mode
	Gran uint8    // 1 per block, 2 per function
	addr uint64   // virtual address of the blob in the process
}

// Open reads the header of a counter map, also while its process is alive, and
// keeps the file open until Close. Errors: ErrUnfinished (the process died
// before its header was complete: it counted nothing), ErrVersion, a
// *FormatError for a file that is no counter map or is damaged, or the error
// of the operating system; all name the file.
func Open(path string) (*Map, error) { return nil, ErrUnfinished }

// Close closes the file. Values read before stay valid.
func (m *Map) Close() error { return nil }

// MetaHash returns Go's meta-data hash of the binary (the <hash> of its
// covmeta.<hash> file) and true, or false when the process did not get as far
// as knowing it: then Packages or MetaFromExecutable tell.
func (m *Map) MetaHash() (hash [16]byte, ok bool) { return }

// Counters reads a snapshot of all counter words into buf, which is made
// larger when it is too small, and returns it with length m.Words.
func (m *Map) Counters(buf []uint32) ([]uint32, error) { return nil, nil }

// Packages returns the packages that registered before the process ended, in
// order. complete is false when the table overflowed (then only the covmeta
// file knows the rest) and when there is no table (flag Table).
func (m *Map) Packages() (pkgs []PackageRef, complete bool, err error) { return }

// VisitFuncs calls visit for every function of the snapshot that has a
// non-zero counter: pkg is the package's index in the binary's meta-data, fn
// the function's index in the package, counters one word per block (valid
// during the call only). A function whose package cannot be told (it ran
// before its package registered) is visited with pkg = UnknownPackage.
// Errors: the first of visit, or a *FormatError for words that are no
// counters; functions before that were visited.
func (m *Map) VisitFuncs(counters []uint32, pkgs []PackageRef, visit func(pkg, fn uint32, counters []uint32) error) error {
	return nil
}

// MetaFromExecutable makes the content of the covmeta file for the packages
// that have registered, from the executable file that the map names; every
// blob is checked by its md5. Errors say why it is impossible: the executable
// is gone, was rebuilt since, or the map has no package table.
func (m *Map) MetaFromExecutable() (covmeta []byte, err error) { return nil, nil }

// MetaBelongs reports whether a covmeta file was written by the executable
// that the map names: every package blob of it is found in the executable.
// It serves maps without a package table (flag Table).
func (m *Map) MetaBelongs(covmeta []byte) (bool, error) { return false, nil }
