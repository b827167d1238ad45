package flush

import (
	"bytes"
	"reflect"
	"testing"
)

func TestSnapshot(t *testing.T) {
	// Two functions of package 0 and 2, one of the runtime's own packages, one
	// that has not run, one that was written out before.
	words := []uint32{
		2, 1, 7, 5, 0,
		0, 0, 0,
		1, 3, 8, 300,
		1, 0xfffffffe, 1, 9,
		2, 1, 9, 0, 0,
		3, 1, 10, 0, 1, 0,
	}
	fs := snapshot(words)
	type plain struct {
		pkg, fn  uint32
		counters []uint32
	}
	var got []plain
	for _, f := range fs {
		got = append(got, plain{f.pkg, f.fn, f.counters})
	}
	want := []plain{{0, 7, []uint32{5, 0}}, {2, 8, []uint32{300}}, {0, 10, []uint32{0, 1, 0}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	words[3]++    // counted while the file was written
	words[11] = 7 // cleared by the program meanwhile, and counted again
	subtract(fs)
	left := []uint32{
		2, 1, 7, 1, 0,
		0, 0, 0,
		1, 3, 8, 0,
		1, 0xfffffffe, 1, 9,
		2, 1, 9, 0, 0,
		3, 1, 10, 0, 0, 0,
	}
	if !reflect.DeepEqual(words, left) {
		t.Errorf("left %v, want %v", words, left)
	}
}

// TestSnapshotGarbage: a count that leads out of the memory ends it.
func TestSnapshotGarbage(t *testing.T) {
	for _, words := range [][]uint32{nil, {1}, {1, 1}, {1, 1, 1}, {9, 1, 1, 1}, {0xffffffff, 1, 1, 1}} {
		if fs := snapshot(words); len(fs) != 0 {
			t.Errorf("%v: %v", words, fs)
		}
	}
}

// TestEncode is the example of a whole file; that Go's tools read such files is
// proved in package proof.
func TestEncode(t *testing.T) {
	got := encode([16]byte{0xab}, []function{{pkg: 2, fn: 8, counters: []uint32{300, 1}}})
	want := []byte("\x00cwm\x01\x00\x00\x00" + "\xab\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" + "\x02\x00\x00\x00\x00\x00\x00\x00" +
		"\x01\x00\x00\x00\x00\x00\x00\x00" + "\x02\x00\x00\x00" + "\x02\x00\x00\x00" + "\x01\x00" + "\x00\x00" +
		"\x02\x02\x08\xac\x02\x01" +
		"\x00cwm\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00")
	if !bytes.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
