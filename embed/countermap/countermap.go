// Package countermap reads counter maps: the files that back the coverage
// counters of live Go processes (package embed/auto makes them).
//
// A counter map holds everything that is needed to report the coverage of one
// process, however that process ended and also while it still runs. The file
// belongs to the process under test, so the reader trusts nothing in it: every
// offset and length is checked against the file, and a file that does not fit
// is refused with an error that names the file and what is wrong with it.
package countermap

import "time"

// FilePrefix begins the name of every counter map:
// covmap.<pid>.<start, ns since 1970>.
const FilePrefix = "covmap."

// AggregatePrefix begins the name of an aggregate map, into which several
// processes of one executable count: covagg.<device>.<inode>.<ctime>, of the
// executable.
const AggregatePrefix = "covagg."

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
	// Aggregate: several processes count into the map (see Records). It has
	// no PID, command line or end of its own; Start is when it was made.
	Aggregate
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
	ExitUnknown Exit = iota
	ExitSuccess      // os.Exit(0) or return from main
	ExitFailure      // os.Exit(n), n != 0
)

// Mode is Go's coverage.CounterMode.
type Mode uint8

const (
	ModeUnknown Mode = iota
	ModeSet
	ModeCount
	ModeAtomic
)

// Map is an open counter map.
type Map struct {
	Path   string // the file
	State  State
	Flags  Flags
	Exit   Exit
	PID    int    // as the process itself saw it (pid namespaces)
	PPID   int    // parent when the map was made
	UID    int    // effective uid when the map was made
	PIDNS  uint64 // inode of the process's pid namespace; 0 unknown
	Ticks  uint64 // start of the process in clock ticks after boot (/proc/PID/stat field 22); the same before and after exec; 0 unknown
	Start  time.Time
	Argv   []string
	Exe    string // absolute path of the executable when it started
	Dir    string // working directory when it started
	GOOS   string
	GOARCH string
	Go     string // runtime.Version()
	Words  int    // number of counter words (uint32)
	Binary BinaryID

	file file
	h    *header
	size uint64 // of the file when it was opened
}

// BinaryID tells builds apart without reading them: two processes with equal
// BinaryIDs ran the same file.
type BinaryID struct {
	Dev, Inode  uint64
	Size        int64
	ModTimeNano int64
	// ChangeTimeNano is the time that nobody can set (ctime).
	ChangeTimeNano int64
}

// PackageRef is one registered package, at its position in the binary's
// registration order (which is the package index in Go's own counter files).
type PackageRef struct {
	Path string   // import path; empty when it cannot be read from the executable
	Hash [16]byte // of the functions, by Go's cover tool; also part of the blob
	Len  uint32   // length of the blob
	ID   int      // hard-coded (negative) package id of the runtime's own packages, else -1
	Mode Mode
	Gran uint8 // 1 per block, 2 per function

	addr     uint64 // of the blob in the process
	pathAddr uint64 // of the import path in the process
	pathLen  uint64
}
