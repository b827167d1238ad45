package countermap

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
	"unsafe"
)

// TestMakeAggregate: what is made has all that is common to the processes of the
// executable, and nothing of the one it was made from.
func TestMakeAggregate(t *testing.T) {
	b := real(t, "whole")
	h := (*header)(unsafe.Pointer(&b[0]))
	h.Mode, h.MetaKnown, h.ExeCtimeNS = uint32(ModeAtomic), 1, 77
	h.MetaHash = [16]byte{1, 2, 3}
	from, err := Open(write(t, b))
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	dir := t.TempDir()
	at := time.Unix(5, 6)
	if err := from.MakeAggregate(dir, at); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != from.Binary.AggregateName() || !strings.HasSuffix(entries[0].Name(), ".77") {
		t.Fatalf("%v, %v", entries, err)
	}
	path := filepath.Join(dir, entries[0].Name())
	m, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	want := *from
	want.Path, want.Flags, want.PID, want.PPID, want.UID, want.PIDNS, want.Ticks, want.Start = path, Whole|Table|Aggregate, 0, 0, 0, 0, 0, at
	want.Argv = []string{}
	got := *m
	got.file, got.h, want.file, want.h = nil, nil, nil, nil
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v, want\n%+v", got, want)
	}
	if m.Mode() != ModeAtomic || m.h.MetaHash != h.MetaHash {
		t.Errorf("mode %d, hash %x", m.Mode(), m.h.MetaHash)
	}
	pkgs, complete, err := m.Packages()
	wantPkgs, _, _ := from.Packages()
	if err != nil || !complete || len(pkgs) == 0 || !reflect.DeepEqual(pkgs, wantPkgs) {
		t.Errorf("packages %+v, %v, %v", pkgs, complete, err)
	}
	if fs, err := funcs(m); err != nil || fs != nil {
		t.Errorf("counts %v, %v", fs, err)
	}
	if text, err := os.ReadFile(path); err != nil || bytes.Contains(text, []byte("kill")) {
		t.Errorf("it has the arguments of a process (%v)", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o666 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestCannotAggregate(t *testing.T) {
	for name, test := range map[string]struct {
		file   string
		change func(*header)
		final  bool
	}{
		"mode count":       {"whole", func(h *header) { h.Mode, h.MetaKnown = uint32(ModeCount), 1 }, true},
		"an unknown mode":  {"whole", func(h *header) { h.Mode, h.MetaKnown = 9, 1 }, true},
		"edges":            {"edges", func(h *header) { h.Mode, h.MetaKnown = uint32(ModeSet), 1 }, true},
		"import":           {"import", func(h *header) { h.Mode, h.MetaKnown = uint32(ModeSet), 1 }, true},
		"no executable":    {"whole", func(h *header) { h.Mode, h.MetaKnown, h.ExeInode = uint32(ModeSet), 1, 0 }, true},
		"an aggregate":     {"whole", func(h *header) { h.Mode, h.MetaKnown, h.Flags = uint32(ModeSet), 1, h.Flags|uint32(Aggregate) }, true},
		"not yet known":    {"whole", func(h *header) { h.MetaKnown = 0 }, false},
		"not yet mapped":   {"whole", func(h *header) { h.State, h.MetaKnown = uint32(Preparing), 1 }, false},
		"with pages wrong": {"whole", func(h *header) { h.Mode, h.MetaKnown, h.PagesOff = uint32(ModeSet), 1, 1<<40 }, false},
	} {
		b := real(t, test.file)
		test.change((*header)(unsafe.Pointer(&b[0])))
		m, err := inMemory(b)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		dir := t.TempDir()
		err = m.MakeAggregate(dir, time.Now())
		if err == nil || errors.Is(err, ErrNoAggregate) != test.final {
			t.Errorf("%s: %v", name, err)
		}
		if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
			t.Errorf("%s: left %v, %v", name, entries, err)
		}
	}
}

// TestRecords: who joined, without those who left, however the file ends.
func TestRecords(t *testing.T) {
	b := real(t, "whole")
	rec := func(kind uint32, pid int) {
		b = binary.NativeEndian.AppendUint32(b, kind)
		b = binary.NativeEndian.AppendUint32(b, uint32(pid))
		for _, v := range []uint64{1, uint64(10 * pid), uint64(100 * pid)} {
			b = binary.NativeEndian.AppendUint64(b, v)
		}
	}
	for pid := 1; pid <= 3000; pid++ {
		rec(joined, pid)
		switch {
		case pid%1000 == 0:
			rec(left, pid)
		case pid == 7:
			rec(0x12345678, 8) // not ours
			rec(left, 9)       // before it joined
		}
	}
	if m, err := inMemory(b); err == nil {
		t.Errorf("a map of one process with records: %+v", m)
	}
	h := (*header)(unsafe.Pointer(&b[0]))
	h.Flags |= uint32(Aggregate)
	for _, rest := range []int{0, 1, recordLen - 1} {
		m, err := inMemory(append(bytes.Clone(b), bytes.Repeat([]byte{1}, rest)...))
		if err != nil {
			t.Fatal(err)
		}
		records, err := m.Records()
		if err != nil || len(records) != 2997 {
			t.Fatalf("%d records, %v; want 2997", len(records), err)
		}
		for i, pid := range []int{1, 2, 3, 4, 5, 6, 7, 8, 9} {
			if want := (Record{pid, 1, uint64(10 * pid), time.Unix(0, int64(100*pid))}); records[i] != want {
				t.Errorf("record %d: %+v, want %+v", i, records[i], want)
			}
		}
		if records[2996].PID != 2999 {
			t.Errorf("the last one is %+v", records[2996])
		}
	}
	b = real(t, "whole")
	if m, err := inMemory(b); err != nil {
		t.Error(err)
	} else if r, err := m.Records(); r != nil || err != nil {
		t.Errorf("records of one process's map: %v, %v", r, err)
	}
	(*header)(unsafe.Pointer(&b[0])).Flags |= uint32(Aggregate)
	if m, err := inMemory(b[:len(b)-1]); err == nil {
		t.Errorf("an aggregate map that was cut: %+v", m)
	}
}
