//go:build covwrap_internal

// Package early starts the runtime as early as a package can, with access to
// Go's own list of covered packages. Its carriers are those that may import
// Go's internal packages: Bazel's rules_go, and the standard library itself.
package early

import (
	"internal/coverage/rtcov"
	"unsafe"

	"github.com/covwrap/covwrap/embed/internal/rt"
)

func init() {
	var b rtcov.CovMetaBlob
	rt.Start(&rt.MetaList{
		List:      unsafe.Pointer(&rtcov.Meta.List),
		EntrySize: unsafe.Sizeof(b),
		PtrOff:    unsafe.Offsetof(b.P),
		LenOff:    unsafe.Offsetof(b.Len),
		HashOff:   unsafe.Offsetof(b.Hash),
		PathOff:   unsafe.Offsetof(b.PkgPath),
		IDOff:     unsafe.Offsetof(b.PkgID),
		ModeOff:   unsafe.Offsetof(b.CounterMode),
		GranOff:   unsafe.Offsetof(b.CounterGranularity),
	})
}
