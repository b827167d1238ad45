package rt

import "unsafe"

// MetaList gives access to rtcov.Meta.List, the list of packages that have
// registered for coverage. A carrier that may import internal/coverage/rtcov
// passes it to Start; others pass nil.
type MetaList struct {
	List unsafe.Pointer // *[]rtcov.CovMetaBlob

	// Layout of rtcov.CovMetaBlob.
	EntrySize                                                 uintptr
	PtrOff, LenOff, HashOff, PathOff, IDOff, ModeOff, GranOff uintptr
}

// sliceHeader is a slice in memory.
type sliceHeader struct {
	data unsafe.Pointer
	len  int
	cap  int
}

func (l *MetaList) slice() *sliceHeader { return (*sliceHeader)(l.List) }

func (l *MetaList) entry(i int) unsafe.Pointer {
	return unsafe.Add(l.slice().data, uintptr(i)*l.EntrySize)
}

func (l *MetaList) len(i int) uint32    { return *(*uint32)(unsafe.Add(l.entry(i), l.LenOff)) }
func (l *MetaList) hash(i int) [16]byte { return *(*[16]byte)(unsafe.Add(l.entry(i), l.HashOff)) }
func (l *MetaList) mode(i int) uint8    { return *(*uint8)(unsafe.Add(l.entry(i), l.ModeOff)) }
func (l *MetaList) gran(i int) uint8    { return *(*uint8)(unsafe.Add(l.entry(i), l.GranOff)) }
func (l *MetaList) blob(i int) []byte {
	return unsafe.Slice(*(**byte)(unsafe.Add(l.entry(i), l.PtrOff)), l.len(i))
}

// moveTo moves the list's memory to table, which has room for room entries, so
// that later registrations are written there by append itself. The list keeps
// its entries and its length; only its capacity grows.
func (l *MetaList) moveTo(table unsafe.Pointer, room int) bool {
	s := l.slice()
	if s.len > room {
		return false
	}
	n := uintptr(s.len) * l.EntrySize
	copy(unsafe.Slice((*byte)(table), n), unsafe.Slice((*byte)(s.data), n))
	s.data = table
	s.cap = room
	return true
}
