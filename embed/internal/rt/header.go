package rt

import "unsafe"

// A counter map is one file, in the byte order and page size of its process:
//
//	0            +---------------------------------------------+
//	             | Header, fixed length (HeaderLen)            |
//	             +---------------------------------------------+
//	             | strings, each ended by NUL:                 |
//	             |   executable, working directory, GOOS,      |
//	             |   GOARCH, Go version, then Argc arguments   |
//	             +---------------------------------------------+
//	EdgeOff      | copies of the counters that are not mapped: |
//	             |   HeadWords words, then TailWords words     |
//	             |   (absent with flag Whole)                  |
//	             +---------------------------------------------+
//	TableOff     | package table: TableCap entries of          |
//	             |   EntrySize bytes (absent without Table).   |
//	             |   It is the memory of rtcov.Meta.List, so   |
//	             |   that each package that registers appears  |
//	             |   here by the act of registering. An entry  |
//	             |   with length 0 ends it.                    |
//	             +---------------------------------------------+
//	             | zeros up to a page                          |
//	PagesOff     +---------------------------------------------+
//	             | whole pages of the process, from the page   |
//	             | that holds Region to the page that holds    |
//	             | its last word;                              |
//	CountersOff  |   the counters: Words words of 4 bytes      |
//	             +---------------------------------------------+
//	FileSize     +---------------------------------------------+
//	             | an aggregate map only: a Record for each    |
//	             | process that counts into it                 |
//	             +---------------------------------------------+
//
// All of it is written, or allocated, before the first page is mapped: a page
// of a file without a block on the disk would end the program with SIGBUS when
// the disk is full.
//
// State, Exit, MetaKnown and MetaHash change after the file was made, by
// plain stores into the mapping. Package embed/countermap is the reader.
//
// An aggregate map (FlagAggregate) is made by the launcher, from the map of a
// process that ran before, for all processes of that executable that start from
// then on: they count into one region, so that there is one file however many
// they are. Its header, strings and package table are those of the first process
// without what is that one's own, and nobody changes them: processes read the
// header once, before they join, and no pointer of theirs lies in the file.
type Header struct {
	Magic       [8]byte // "covwrap" and NUL; written last
	Order       uint32  // ByteOrder, in the order of the process
	Version     uint32  // HeaderVersion
	HeaderLen   uint32
	State       uint32 // StatePreparing or StateLive
	Flags       uint32
	Exit        uint32 // Exit*
	PageSize    uint32
	PtrSize     uint32
	PID         uint32
	PPID        uint32
	UID         uint32
	Argc        uint32
	PIDNS       uint64 // inode of /proc/self/ns/pid
	Ticks       uint64 // field 22 of /proc/self/stat
	StartNS     int64  // ns since 1970
	FileSize    uint64
	StringsOff  uint64
	StringsLen  uint64
	EdgeOff     uint64
	HeadWords   uint64
	TailWords   uint64
	TableOff    uint64
	TableCap    uint64
	EntrySize   uint32
	EntryPtr    uint32 // offsets of the fields in an entry (rtcov.CovMetaBlob)
	EntryLen    uint32
	EntryHash   uint32
	EntryPath   uint32
	EntryID     uint32
	EntryMode   uint32
	EntryGran   uint32
	PagesOff    uint64
	CountersOff uint64
	Region      uint64 // address of the first counter
	Words       uint64
	Phdr        uint64 // address of the program headers (AT_PHDR), tells where the executable was loaded
	Phnum       uint64
	ExeDev      uint64
	ExeInode    uint64
	ExeSize     uint64
	ExeMtimeNS  int64
	ExeCtimeNS  int64
	MetaKnown   uint32 // 1 when Mode and MetaHash hold those of the binary's covmeta file
	Mode        uint32 // Mode*
	MetaHash    [16]byte
}

// Values of Header fields.
const (
	Magic         = "covwrap\x00"
	ByteOrder     = 0x01020304
	HeaderVersion = 1

	StatePreparing = 0
	StateLive      = 1

	FlagWhole         = 1 << 0
	FlagEdges         = 1 << 1
	FlagTable         = 1 << 2
	FlagArgvTruncated = 1 << 3
	FlagAggregate     = 1 << 4

	// Go's counter modes that an aggregate map can have. With "count",
	// processes that increment at once would lose increments.
	ModeSet    = 1
	ModeAtomic = 3

	ExitUnknown = 0
	ExitSuccess = 1
	ExitFailure = 2

	// MaxArgv bounds the bytes of the command line that are kept.
	MaxArgv = 64 << 10
)

const headerLen = int(unsafe.Sizeof(Header{}))

// Record is what a process leaves in an aggregate map when it joins: the
// account has to name everybody who counted.
type Record struct {
	Kind    uint32 // RecordJoined or RecordLeft
	PID     uint32
	PIDNS   uint64
	Ticks   uint64
	StartNS int64
}

// Kinds of records.
const (
	RecordJoined = 0x6e696f6a
	// RecordLeft takes the process's earlier record back: it could not be
	// mapped after all, and has a map of its own.
	RecordLeft = 0x7466656c
)

const recordLen = int(unsafe.Sizeof(Record{}))

// SocketName is the launcher's socket in the profile directory, to which each
// process connects that makes or joins a counter map, and sends an Introduction.
const SocketName = "covsocket"

// Introduction names a process as its counter map does.
type Introduction struct {
	PID   uint32
	_     uint32
	PIDNS uint64
	Ticks uint64
}
