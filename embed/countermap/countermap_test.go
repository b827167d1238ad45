package countermap

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/covwrap/covwrap/embed/internal/rt"
)

// TestHeader compares the two declarations of the format.
func TestHeader(t *testing.T) {
	sameLayout(t, reflect.TypeFor[header](), reflect.TypeFor[rt.Header]())
	sameLayout(t, reflect.TypeFor[record](), reflect.TypeFor[rt.Record]())
	sameLayout(t, reflect.TypeFor[Introduction](), reflect.TypeFor[rt.Introduction]())
	for _, c := range [][2]any{
		{magic, rt.Magic}, {byteOrder, rt.ByteOrder}, {version, rt.HeaderVersion},
		{Preparing, State(rt.StatePreparing)}, {Live, State(rt.StateLive)},
		{Whole, Flags(rt.FlagWhole)}, {Edges, Flags(rt.FlagEdges)}, {Table, Flags(rt.FlagTable)}, {ArgvTruncated, Flags(rt.FlagArgvTruncated)},
		{Aggregate, Flags(rt.FlagAggregate)}, {ModeSet, Mode(rt.ModeSet)}, {ModeAtomic, Mode(rt.ModeAtomic)}, {joined, rt.RecordJoined}, {left, rt.RecordLeft},
		{SocketName, rt.SocketName},
		{ExitUnknown, Exit(rt.ExitUnknown)}, {ExitSuccess, Exit(rt.ExitSuccess)}, {ExitFailure, Exit(rt.ExitFailure)},
	} {
		if c[0] != c[1] {
			t.Errorf("constant %#v, package rt has %#v", c[0], c[1])
		}
	}
}

func sameLayout(t *testing.T, ours, theirs reflect.Type) {
	t.Helper()
	if ours.NumField() != theirs.NumField() || ours.Size() != theirs.Size() {
		t.Fatalf("%d fields, %d bytes; %v has %d, %d", ours.NumField(), ours.Size(), theirs, theirs.NumField(), theirs.Size())
	}
	for i := range ours.NumField() {
		a, b := ours.Field(i), theirs.Field(i)
		if a.Name != b.Name || a.Type != b.Type || a.Offset != b.Offset {
			t.Errorf("field %d: %s %v at %d; %v has %s %v at %d", i, a.Name, a.Type, a.Offset, theirs, b.Name, b.Type, b.Offset)
		}
	}
}

// real returns a map that a process left: whole and import were killed, edges
// exited with status 3.
func real(t testing.TB, name string) []byte {
	t.Helper()
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		t.Skip("the files in testdata are little-endian")
	}
	b, err := os.ReadFile(filepath.Join("testdata", name+".covmap"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func write(t testing.TB, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "covmap.1.2")
	if err := os.WriteFile(path, b, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// funcs returns all functions with a count, as text.
func funcs(m *Map) (s []string, err error) {
	words, err := m.Counters(nil)
	if err != nil {
		return nil, err
	}
	pkgs, _, err := m.Packages()
	if err != nil {
		return nil, err
	}
	err = m.VisitFuncs(words, pkgs, func(pkg, fn uint32, counters []uint32) error {
		if len(counters) > 4 {
			counters = counters[:4]
		}
		s = append(s, fmt.Sprint(pkg, fn, counters))
		return nil
	})
	return s, err
}

func TestOpen(t *testing.T) {
	for _, test := range []struct {
		name   string
		flags  Flags
		exit   Exit
		pid    int
		argv   string
		words  int
		hash   string
		mode   Mode
		counts string
	}{
		{"whole", Whole | Table, ExitUnknown, 3973, "[./subject kill 7]", 98, "6dc49e79c031a2ea0a5dacdeef16ed92", 2, "[1 2 [1 0] 1 0 [1 1 0] 1 4 [1 1 0] 0 0 [1 1 7] 1 1 [1 0 0 0]]"},
		{"edges", Edges | Table, ExitFailure, 3719, "[./subject exit 7]", 102, "550fc4bf1dada0f88b2d5dc6d3d10738", 2, "[1 0 [1] 1 1 [1 1 0] 1 5 [1 1 0] 0 0 [1 1 7] 1 2 [1 0 1 0]]"},
		{"import", Whole, ExitUnknown, 4206, "[./subject kill 7]", 98, "", 0, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			m, err := Open(write(t, real(t, test.name)))
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			type facts struct {
				State                   State
				Flags                   Flags
				Exit                    Exit
				PID, UID                int
				Argv, Exe, Dir          string
				GOOS, GOARCH, Go        string
				PIDNS                   uint64
				Started, HasTicks, Size bool
			}
			got := facts{m.State, m.Flags, m.Exit, m.PID, m.UID, fmt.Sprint(m.Argv), m.Exe, m.Dir, m.GOOS, m.GOARCH, m.Go, m.PIDNS,
				m.Start.Year() == 2026, m.Ticks > 0, m.Binary.Size > 1<<20}
			want := facts{Live, test.flags, test.exit, test.pid, 0, test.argv, "/tmp/subject/subject", "/tmp/subject", "linux", "amd64", "go1.26.8", 4026531836,
				true, true, true}
			if got != want {
				t.Errorf("got\n%+v, want\n%+v", got, want)
			}
			hash, ok := m.MetaHash()
			if ok != (test.hash != "") || ok && fmt.Sprintf("%x", hash) != test.hash {
				t.Errorf("hash %x, %v; want %q", hash, ok, test.hash)
			}
			if test.mode != 0 {
				pkgs, complete, err := m.Packages()
				if err != nil || !complete || len(pkgs) != 2 || pkgs[0].Mode != test.mode || pkgs[0].Gran != 1 || pkgs[1].ID != -1 {
					t.Errorf("packages %+v, %v, %v", pkgs, complete, err)
				}
				got, err := funcs(m)
				if err != nil || fmt.Sprint(got) != test.counts {
					t.Errorf("functions %v, %v; want %s", got, err, test.counts)
				}
			}
			if _, err := m.MetaFromExecutable(); err == nil {
				t.Error("meta-data from an executable that is not there")
			}
		})
	}
}

// TestTruncated cuts a real file at every length. No part of one is taken for a
// whole one.
func TestTruncated(t *testing.T) {
	for _, name := range []string{"whole", "edges", "import"} {
		b := real(t, name)
		for n := range b {
			_, err := inMemory(b[:n])
			var fe *FormatError
			switch {
			case n < len(magic) && allZero(b[:n]):
				if !errors.Is(err, ErrUnfinished) {
					t.Fatalf("%s, %d bytes: %v, want ErrUnfinished", name, n, err)
				}
			case !errors.As(err, &fe):
				t.Fatalf("%s, %d bytes: %v, want a FormatError", name, n, err)
			}
		}
	}
}

// memory is a file in memory.
type memory struct{ *bytes.Reader }

func (memory) Close() error { return nil }

func inMemory(b []byte) (*Map, error) {
	return newMap("covmap.1.2", memory{bytes.NewReader(b)}, int64(len(b)))
}

// TestUnfinished: the writer was killed before the file had its size, or
// before it wrote anything.
func TestUnfinished(t *testing.T) {
	b := real(t, "whole")
	(*header)(unsafe.Pointer(&b[0])).State = uint32(Preparing)
	for _, n := range []int{0, 5, headerLen, len(b) - 1} {
		part := b[:n]
		if n < headerLen {
			part = make([]byte, n)
		}
		if _, err := Open(write(t, part)); !errors.Is(err, ErrUnfinished) {
			t.Errorf("%d bytes: %v, want ErrUnfinished", n, err)
		}
	}
	if m, err := Open(write(t, b)); err != nil || m.State != Preparing {
		t.Errorf("a complete file that was not mapped yet: %v", err)
	}
}

// TestDamaged sets single fields to values that must be refused.
func TestDamaged(t *testing.T) {
	for _, test := range []struct {
		name   string
		damage func(*header)
		want   string
	}{
		{"magic", func(h *header) { h.Magic[0] = 'C' }, `it begins with "Covwrap\x00", not "covwrap\x00"`},
		{"order", func(h *header) { h.Order = 0x04030201 }, "byte order 0x4030201, this machine's is 0x1020304"},
		{"header length", func(h *header) { h.HeaderLen-- }, "header length 287, not 288"},
		{"size", func(h *header) { h.FileSize++ }, "it has 8192 bytes, its header says 8193"},
		{"page", func(h *header) { h.PageSize = 4097 }, "page size 4097"},
		{"pointer", func(h *header) { h.PtrSize = 3 }, "pointer size 3"},
		{"no words", func(h *header) { h.Words = 0 }, "0 counter words"},
		{"words", func(h *header) { h.Words = 5000 }, "5000 counter words at"},
		{"words overflow", func(h *header) { h.Words = 1 << 62 }, "4611686018427387904 counter words"},
		{"counters", func(h *header) { h.CountersOff = 1 << 63 }, "do not fit"},
		{"strings", func(h *header) { h.StringsOff = 8191 }, "strings at 8191, length"},
		{"long strings", func(h *header) { h.StringsLen = 1 << 40 }, "do not fit"},
		{"no end", func(h *header) { h.StringsLen-- }, "its last string has no end"},
		{"argc", func(h *header) { h.Argc = 4 }, "it has 8 strings, not 5 and 4 arguments"},
		{"edges", func(h *header) { h.HeadWords, h.TailWords = 50, 50 }, "50+50 words of 98 at the edges"},
		{"edges outside", func(h *header) { h.HeadWords, h.EdgeOff = 50, 8190 }, "the edges at 8190 do not fit"},
		{"entry", func(h *header) { h.EntryHash = 60 }, "the fields of a package table entry do not fit into its 64 bytes"},
		{"entry wraps", func(h *header) { h.EntryPtr = 0xffffffff }, "the fields of a package table entry"},
		{"entry size", func(h *header) { h.EntrySize = 1 << 30 }, "the fields of a package table entry"},
		{"table", func(h *header) { h.TableCap = 1 << 20 }, "a table of 1048576 packages at"},
		{"table outside", func(h *header) { h.TableOff = 1 << 63 }, "does not fit"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := real(t, "whole")
			test.damage((*header)(unsafe.Pointer(&b[0])))
			path := write(t, b)
			_, err := Open(path)
			var fe *FormatError
			if !errors.As(err, &fe) || fe.Path != path || !strings.Contains(fe.What, test.want) {
				t.Errorf("error %v, want a FormatError with %q", err, test.want)
			}
		})
	}
	b := real(t, "whole")
	(*header)(unsafe.Pointer(&b[0])).Version = 2
	path := write(t, b)
	if _, err := Open(path); !errors.Is(err, ErrVersion) || err.Error() != path+": made by another version of covwrap: version 2, this is version 1" {
		t.Errorf("another version: %v", err)
	}
}

// TestNotAFile: what a test may leave in the place of a map.
func TestNotAFile(t *testing.T) {
	dir := t.TempDir()
	target := write(t, real(t, "whole"))
	link := filepath.Join(dir, "link")
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	fifo := filepath.Join(dir, "fifo")
	if err := mkfifo(fifo); err != nil {
		t.Skip(err)
	}
	for _, path := range []string{dir, link, fifo, filepath.Join(dir, "missing"), os.DevNull} {
		m, err := Open(path)
		if err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("Open(%q) = %v, %v; want an error that names it", path, m, err)
		}
	}
}

// TestGarbageCounters: words that are no functions.
func TestGarbageCounters(t *testing.T) {
	m := &Map{Path: "P"}
	never := func(pkg, fn uint32, c []uint32) error { return fmt.Errorf("visited %d %d %v", pkg, fn, c) }
	for _, test := range []struct {
		words []uint32
		want  string
	}{
		{[]uint32{5, 1, 1, 0, 0}, "P: not a usable counter map: word 0 of 5 says that a function with 5 counters follows"},
		{[]uint32{0, 0, 1}, "P: not a usable counter map: word 2 of 3 says that a function with 1 counters follows"},
		{[]uint32{0xffffffff, 1, 1, 1}, "P: not a usable counter map: word 0 of 4 says that a function with 4294967295 counters follows"},
		{[]uint32{1, 1, 1, 1}, "visited 0 1 [1]"},
		{[]uint32{1, 0, 0, 0}, "<nil>"}, // killed between the head's stores
		{nil, "<nil>"},
		{[]uint32{0, 0, 0}, "<nil>"},
	} {
		if got := fmt.Sprint(m.VisitFuncs(test.words, nil, never)); got != test.want {
			t.Errorf("%v: %s, want %s", test.words, got, test.want)
		}
	}
	var got []string
	err := m.VisitFuncs([]uint32{1, 3, 7, 9, 0, 1, 0xfffffffe, 8, 2, 1, 0xfffffffd, 0, 3, 1, 0, 5, 4},
		[]PackageRef{{ID: -1}, {ID: -2}}, func(pkg, fn uint32, c []uint32) error {
			got = append(got, fmt.Sprint(int32(pkg), fn, c))
			return nil
		})
	// Package id 3 is index 2; -2 is hard-coded for index 1; -3 and 0 are unknown.
	if want := "[2 7 [9] 1 8 [2] -1 0 [3] -1 5 [4]]"; err != nil || fmt.Sprint(got) != want {
		t.Errorf("got %v, %v; want %s", got, err, want)
	}
}

func TestParseName(t *testing.T) {
	pid, start, ok := ParseName("covmap.12.1795603320251211000")
	if pid != 12 || !start.Equal(time.Unix(0, 1795603320251211000)) || !ok {
		t.Error(pid, start, ok)
	}
	for _, name := range []string{"", "covmap", "covmap.", "covmap.1", "covmap.1.", "covmap.-1.1", "covmap.1.-1", "covmap.0.1", "covmap.1.1.1", "covmeta.1.1", "covmap.a.1", "covmap.1.99999999999999999999"} {
		if pid, start, ok := ParseName(name); ok {
			t.Errorf("ParseName(%q) = %d, %v, true", name, pid, start)
		}
	}
}

// FuzzMap feeds damaged files to everything that reads one. Whatever a file
// holds, there is an error or a result, no panic and no result out of bounds.
func FuzzMap(f *testing.F) {
	for _, name := range []string{"whole", "edges", "import"} {
		b := real(f, name)
		f.Add(b)
		f.Add(b[:headerLen])
		f.Add(b[:len(b)-1])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := inMemory(b)
		if err != nil {
			return
		}
		defer m.Close()
		m.Exe = "" // none
		m.MetaHash()
		words, err := m.Counters(nil)
		if err == nil && len(words) != m.Words {
			t.Fatalf("%d words, not %d", len(words), m.Words)
		}
		pkgs, _, err := m.Packages()
		if err != nil {
			return
		}
		m.VisitFuncs(words, pkgs, func(pkg, fn uint32, counters []uint32) error { return nil })
	})
}

// FuzzExecutable: the executable may be any file, and the map may have any
// addresses.
func FuzzExecutable(f *testing.F) {
	exe, err := os.Executable()
	if err != nil {
		f.Fatal(err)
	}
	b, err := os.ReadFile(exe)
	if err != nil {
		f.Fatal(err)
	}
	// The head of a real one has the program headers.
	f.Add(b[:4096], uint64(0x400040), uint64(0x400000), uint32(40))
	f.Fuzz(func(t *testing.T, b []byte, phdr, addr uint64, size uint32) {
		m := &Map{Path: "covmap.1.2", h: &header{Phdr: phdr, PageSize: 4096}}
		x, err := m.newExecutable(memory{bytes.NewReader(b)}, int64(len(b)), "exe")
		if err != nil {
			return
		}
		p := PackageRef{Len: size, addr: addr, Mode: 1, Gran: 1}
		if got, err := x.read(addr, uint64(size), maxBlob); err == nil && uint64(len(got)) != uint64(size) {
			t.Fatalf("%d bytes, not %d", len(got), size)
		}
		x.meta([]PackageRef{p, p})
	})
}

func FuzzSplitMeta(f *testing.F) {
	blob := make([]byte, 40)
	b, err := encodeMeta([]PackageRef{{Mode: 1, Gran: 1}}, [][]byte{blob})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		blobs, err := splitMeta(b)
		if err == nil && len(blobs) == 0 {
			t.Fatal("no packages and no error")
		}
	})
}
