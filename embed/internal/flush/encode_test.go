package flush

import (
	"bytes"
	"reflect"
	"testing"
)

func TestTake(t *testing.T) {
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
	fs := take(words)
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
		t.Errorf("took %v, want %v", got, want)
	}
	left := []uint32{2, 1, 7, 0, 0, 0, 0, 0, 1, 3, 8, 0, 1, 0xfffffffe, 1, 9, 2, 1, 9, 0, 0, 3, 1, 10, 0, 0, 0}
	if !reflect.DeepEqual(words, left) {
		t.Errorf("left %v, want %v", words, left)
	}
	words[3] = 4 // counted while the file was written, in vain
	putBack(fs)
	if words[3] != 9 || words[11] != 300 || words[25] != 1 {
		t.Errorf("put back: %v", words)
	}
}

// TestTakeGarbage: a count that leads out of the memory ends it.
func TestTakeGarbage(t *testing.T) {
	for _, words := range [][]uint32{nil, {1}, {1, 1}, {1, 1, 1}, {9, 1, 1, 1}, {0xffffffff, 1, 1, 1}} {
		if fs := take(words); len(fs) != 0 {
			t.Errorf("%v: took %v", words, fs)
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
