package rt

import "unsafe"

// counterBlob is rtcov.CovCounterBlob: one module's counters.
type counterBlob struct {
	counters *uint32
	words    uint64
}

// getCovCounterList is defined by package runtime under this name, in every
// binary; the list is empty in one that was not built for coverage. It is the
// one name the package needs that the linker gives to everybody, which is why
// a plain import can do without access to Go's internal packages.
//
//go:linkname getCovCounterList internal/coverage/cfile.getCovCounterList
func getCovCounterList() []counterBlob

// runtimeArgs is how package os gets os.Args. Package os is not initialised
// yet when Start runs.
//
//go:linkname runtimeArgs os.runtime_args
func runtimeArgs() []string

// getAuxv is how golang.org/x/sys reads the auxiliary vector.
//
//go:linkname getAuxv runtime.getAuxv
func getAuxv() []uintptr

// words returns n words at p as a slice.
func words(p unsafe.Pointer, n int) []uint32 { return unsafe.Slice((*uint32)(p), n) }
