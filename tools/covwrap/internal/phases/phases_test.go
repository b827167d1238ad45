package phases

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/covwrap/covwrap/embed/phase"
)

const (
	pid, start = 42, 100
	id         = "42.100"
)

// put writes a mark at a time.
func mark(t *testing.T, dir string, at int64, content string) {
	t.Helper()
	file(t, dir, fmt.Sprintf("%s%020d", phase.MarkPrefix, at), []byte(content))
}

// shot writes a snapshot of the process at the time of a mark.
func shot(t *testing.T, dir, prefix string, at int64, words ...uint32) {
	t.Helper()
	var b []byte
	for _, w := range words {
		b = binary.NativeEndian.AppendUint32(b, w)
	}
	file(t, dir, fmt.Sprintf("%s%d.%d.%020d", prefix, pid, start, at), b)
}

func file(t *testing.T, dir, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o666); err != nil {
		t.Fatal(err)
	}
}

// Two functions, of two counters and of one, with a gap between them.
func words(a, b, c uint32) []uint32 { return []uint32{2, 1, 0, a, b, 0, 1, 1, 1, c} }

func split(t *testing.T, dir string, begin int64, final []uint32) []Part {
	t.Helper()
	m, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	parts, err := m.Split(id, begin, final)
	if err != nil {
		t.Fatal(err)
	}
	return parts
}

func TestSplit(t *testing.T) {
	none := []uint32{0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	first := func(a, b uint32) []uint32 { return []uint32{2, 1, 0, a, b, 0, 0, 0, 0, 0} }
	last := func(c uint32) []uint32 { return []uint32{0, 0, 0, 0, 0, 0, 1, 1, 1, c} }
	for _, c := range []struct {
		name  string
		setup func(dir string)
		final []uint32
		want  []Part
	}{
		{"no marks", func(string) {}, words(1, 2, 3), []Part{{Start, words(1, 2, 3)}}},
		{"all before the process", func(dir string) { mark(t, dir, 50, "phase a\n") }, words(1, 2, 3), []Part{{"a", words(1, 2, 3)}}},
		{"ended before the mark", func(dir string) { mark(t, dir, 200, "phase a\n") }, words(1, 2, 3), []Part{{Start, words(1, 2, 3)}}},
		{"differences", func(dir string) {
			mark(t, dir, 200, "phase a\n")
			mark(t, dir, 300, "phase b\n")
			shot(t, dir, phase.SnapPrefix, 200, 2, 1, 0, 1, 2, 0, 0, 0, 0, 0)
			shot(t, dir, phase.SnapPrefix, 300, words(1, 2, 7)...)
		}, words(5, 2, 7), []Part{{Start, first(1, 2)}, {"a", last(7)}, {"b", first(4, 0)}}},
		{"taken out", func(dir string) {
			mark(t, dir, 200, "phase a\n")
			shot(t, dir, phase.PartPrefix, 200, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1)
		}, words(1, 1, 0), []Part{{Start, words(1, 0, 1)}, {"a", first(1, 1)}}},
		{"a phase again", func(dir string) {
			mark(t, dir, 200, "phase a\n")
			mark(t, dir, 300, "phase b\n")
			mark(t, dir, 400, "phase a\n")
			shot(t, dir, phase.SnapPrefix, 200, none...)
			shot(t, dir, phase.SnapPrefix, 300, words(1, 0, 0)...)
			shot(t, dir, phase.SnapPrefix, 400, words(2, 0, 0)...)
		}, words(2, 0, 4), []Part{{"a", words(1, 0, 4)}, {"b", first(1, 0)}}},
		{"reset", func(dir string) {
			mark(t, dir, 200, "phase a\n")
			mark(t, dir, 300, "reset\n")
			shot(t, dir, phase.SnapPrefix, 200, words(1, 1, 1)...)
			shot(t, dir, phase.SnapPrefix, 300, words(3, 3, 3)...)
		}, words(4, 3, 3), []Part{{"a", first(1, 0)}}},
		{"reset after its end", func(dir string) { mark(t, dir, 200, "reset\n") }, words(4, 3, 3), nil},
		{"a counter that went back", func(dir string) {
			mark(t, dir, 200, "phase a\n")
			shot(t, dir, phase.SnapPrefix, 200, words(9, 1, 1)...)
		}, words(4, 3, 1), []Part{{Start, words(9, 1, 1)}, {"a", first(0, 2)}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			c.setup(dir)
			if got := split(t, dir, start, c.final); !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %v\nwant %v", got, c.want)
			}
		})
	}
}

// TestTotal: the parts add up to what was counted.
func TestTotal(t *testing.T) {
	dir := t.TempDir()
	mark(t, dir, 200, "phase a\n")
	shot(t, dir, phase.SnapPrefix, 200, 2, 1, 0, 1, 2, 0, 0, 0, 0, 0)
	final := words(3, 2, 7)
	parts := split(t, dir, start, final)
	if got := Total(parts, len(final)); !reflect.DeepEqual(got, final) {
		t.Errorf("total %v, want %v", got, final)
	}
	if want := split(t, dir, start, final); !reflect.DeepEqual(parts, want) {
		t.Errorf("adding up changed the parts to %v, from %v", parts, want)
	}
	if got := Total(nil, 3); !reflect.DeepEqual(got, []uint32{0, 0, 0}) {
		t.Errorf("total of nothing: %v", got)
	}
}

// TestDamaged: what does not fit is named, and its counts go to a neighbour.
func TestDamaged(t *testing.T) {
	dir := t.TempDir()
	mark(t, dir, 200, "phase a\n")
	mark(t, dir, 300, "phase ../b\n")
	mark(t, dir, 400, "gibberish")
	shot(t, dir, phase.SnapPrefix, 200, 1, 2, 3)
	m, err := Read(dir)
	for _, want := range []string{"00300", "00400", "gibberish"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Read: %v; want an error with %q", err, want)
		}
	}
	if got := m.Names(); !reflect.DeepEqual(got, []string{Start, "a"}) {
		t.Errorf("phases %q", got)
	}
	parts, err := m.Split(id, start, words(1, 2, 3))
	if want := []Part{{Start, words(1, 2, 3)}}; !reflect.DeepEqual(parts, want) {
		t.Errorf("parts %v, want %v", parts, want)
	}
	if err == nil || !strings.Contains(err.Error(), phase.SnapPrefix+"42.100.") || !strings.Contains(err.Error(), "10 counters") {
		t.Errorf("Split: %v; want the file and both lengths", err)
	}
}

// TestMisfit: words that are no counters are handed on undivided, so that
// whoever knows the binary can say what is wrong.
func TestMisfit(t *testing.T) {
	for _, final := range [][]uint32{{2, 1, 1, 5}, {0, 1}, {0, 0, 1, 1, 0}, {^uint32(0), 1, 1, 1}} {
		dir := t.TempDir()
		mark(t, dir, 50, "phase a\n")
		m, err := Read(dir)
		if err != nil {
			t.Fatal(err)
		}
		parts, err := m.Split(id, start, final)
		if want := []Part{{"a", final}}; !reflect.DeepEqual(parts, want) || err == nil {
			t.Errorf("%v: parts %v, %v; want %v and an error", final, parts, err, want)
		}
	}
}

// FuzzSplit: nothing panics, and the total is never more than what the map has.
func FuzzSplit(f *testing.F) {
	f.Add([]byte{2, 1, 0, 5, 6, 0, 1, 1, 1, 7}, []byte{2, 1, 0, 4, 6, 0, 0, 0, 0, 0}, "phase a\n", true)
	f.Add([]byte{1, 1, 0, 1}, []byte{0, 0, 0, 1}, "reset\n", false)
	f.Add([]byte("0"), []byte("0"), "0", false)
	f.Fuzz(func(t *testing.T, final, snap []byte, content string, copied bool) {
		dir := t.TempDir()
		widen := func(b []byte) []uint32 {
			var w []uint32
			for _, c := range b {
				w = append(w, uint32(c))
			}
			return w
		}
		prefix := phase.PartPrefix
		if copied {
			prefix = phase.SnapPrefix
		}
		mark(t, dir, 200, content)
		shot(t, dir, prefix, 200, widen(snap)...)
		m, _ := Read(dir)
		w := widen(final)
		parts, err := m.Split(id, start, w)
		total := Total(parts, len(w))
		if len(total) != len(w) {
			t.Fatalf("%d words of %d", len(total), len(w))
		}
		if misfit(w) >= 0 && (err == nil || !reflect.DeepEqual(total, w)) {
			t.Errorf("damaged words %d became %d, %v", w, total, err)
		}
	})
}
