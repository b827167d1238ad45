package rt

import "unsafe"

// padLen is larger than any variable without pointers that programs are known
// to have (crypto/internal/fips140/drbg.memory has 32 MiB).
const padLen = 64<<20 + 64

// pad fills the page that holds the first counters. The linker sorts variables
// by size, so the largest is the neighbour of the counters, which come last. It
// is never touched: it has no memory, and Start gives its addresses back.
var pad [padLen]byte

func padStart() uintptr { return uintptr(unsafe.Pointer(&pad)) }
