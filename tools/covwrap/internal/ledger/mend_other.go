//go:build !linux

package ledger

// MendStock is what helps with a process that left no counters, or lost the race
// with its end while it wrote them.
const MendStock = "on this system counters are written when a program ends by itself, by os.Exit or from main: let it, or call package embed (docs/matrix.md says what each end keeps)"
