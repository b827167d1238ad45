//go:build linux

// Package work is what every process of the matrix does, whatever becomes of
// it afterwards: lines whose counts are known.
//
// A comment "#name" on the line of a statement is a tag; it names the block of
// statements that the line belongs to. Every block has exactly one (see
// package oracle), so that a cell of the matrix says what it expects by tags.
package work

// Seven runs one line seven times.
//
//go:noinline
func Seven() int {
	sum := 0 // #work.seven
	for i := 0; i < 7; i++ {
		sum += odd(i) // #work.loop
	}
	return sum // #work.sum
}

//go:noinline
func odd(i int) int {
	if i%2 == 1 { // #work.odd
		return i // #work.odd.yes
	}
	return 0 // #work.odd.no
}
