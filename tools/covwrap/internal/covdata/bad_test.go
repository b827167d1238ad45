package covdata

import (
	"strings"
	"testing"
)

// patch returns data with the bytes at off replaced.
func patch(data []byte, off int, with ...byte) []byte {
	return append(append(append([]byte{}, data[:off]...), with...), data[off+len(with):]...)
}

// TestTruncated cuts real files at every length: an error that names the file,
// never a panic and never a silent success.
func TestTruncated(t *testing.T) {
	_, meta := corpus(t, "count", "covmeta")
	for n := range meta {
		if _, err := DecodeMeta("cut", meta[:n]); err == nil || !strings.HasPrefix(err.Error(), "cut: ") {
			t.Fatalf("meta-data cut to %d bytes: %v", n, err)
		}
	}
	_, counters := corpus(t, "count", "covcounters")
	for n := range counters {
		if _, err := DecodeCounters("cut", counters[:n]); err == nil || !strings.HasPrefix(err.Error(), "cut: ") {
			t.Fatalf("counters cut to %d bytes: %v", n, err)
		}
	}
}

// TestBadMeta checks that each kind of damage is called by its name.
func TestBadMeta(t *testing.T) {
	_, good := corpus(t, "count", "covmeta")
	m, err := DecodeMeta("good", good)
	if err != nil {
		t.Fatal(err)
	}
	blob := len(good) - len(m.Packages[0].Blob) - len(m.Packages[1].Blob)
	for name, tc := range map[string]struct {
		data []byte
		want string
	}{
		"empty":          {nil, "f: truncated header: magic of 4 bytes begins at byte 0, but the data ends at byte 0"},
		"text":           {[]byte("mode: set\n"), `f: not a Go coverage meta-data file: it begins with "mode" instead of "\x00cvm"`},
		"newer":          {patch(good, 4, 2), "f: meta-data of version 2; this covwrap reads version 1, a newer one may read it"},
		"longer":         {append(good[:len(good):len(good)], 0), "f: the header promises 473 bytes, but the file has 474"},
		"mode":           {patch(good, 48, 9), "f: counter mode 9 is none of set, count, atomic"},
		"granularity":    {patch(good, 49, 0), "f: counter granularity 0 is neither per block nor per function"},
		"packages":       {patch(good, 16, 0xff, 0xff, 0xff, 0xff, 0xff), "f: the header promises 1099511627775 packages, but only 417 bytes follow"},
		"package offset": {patch(good, 56, 0xff, 0xff), "f: package 0 begins at byte 65535, not at byte 90"},
		"shared package": {patch(good, 64, good[56:64]...), "f: package 1 begins at byte 90, not at byte 298"},
		"package length": {patch(good, 72, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), "f: package 0 of 18446744073709551615 bytes begins at byte 90, but the data ends at byte 473"},
		"blob length":    {patch(good, blob, 1, 0), "f: package 0: the header promises 1 bytes, but there are 208"},
		"path":           {patch(good, blob+8, 99), "f: package 0: package path is string 99 of a table of 8"},
		"functions":      {patch(good, blob+40, 0xff, 0xff, 0xff, 0xff), "f: package 0: function offsets of 17179869180 bytes begins at byte 44, but the data ends at byte 208"},
		"shared bytes":   {patch(good, blob+48, good[blob+44:blob+48]...), "f: package 0: function 1 of example.com/corpus/shape begins at byte 171, not at byte 180"},
	} {
		if _, err := DecodeMeta("f", tc.data); err == nil || err.Error() != tc.want {
			t.Errorf("%s: %v\nwant %s", name, err, tc.want)
		}
	}
}

func TestBadCounters(t *testing.T) {
	_, good := corpus(t, "count", "covcounters")
	at := payload(good)
	for name, tc := range map[string]struct {
		data []byte
		want string
	}{
		"text":      {[]byte("mode: set\n"), `f: not a Go coverage counter file: it begins with "mode" instead of "\x00cwm"`},
		"newer":     {patch(good, 4, 2), "f: counters of version 2; this covwrap reads version 1, a newer one may read it"},
		"flavour":   {patch(good, 24, 3), "f: counters of flavour 3; known are 1 (raw) and 2 (uleb128)"},
		"no footer": {append(good[:len(good):len(good)], 0), "f: truncated: there is no footer in the last 16 bytes"},
		"functions": {patch(good, 32, 0xff, 0xff, 0xff), "f: segment 0: the header promises 16777215 functions, but only 44 bytes follow"},
		"strings":   {patch(good, 40, 0xff, 0xff), "f: segment 0: string table of 65535 bytes begins at byte 48, but the data ends at byte 180"},
		"counters":  {patch(good, at, 99), "f: segment 0: function entry 0 promises 99 counters, but only 41 bytes follow"},
		"segments":  {patch(good, len(good)-8, 2), "f: segment 1: number of functions of 8 bytes begins at byte 180, but the data ends at byte 180"},
		"none":      {patch(good, len(good)-8, 0), "f: 148 bytes follow the last segment"},
	} {
		if _, err := DecodeCounters("f", tc.data); err == nil || err.Error() != tc.want {
			t.Errorf("%s: %v\nwant %s", name, err, tc.want)
		}
	}
}

// FuzzMeta checks that what decodes survives encoding.
func FuzzMeta(f *testing.F) {
	for _, mode := range modes {
		_, data := corpus(f, mode, "covmeta")
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := DecodeMeta("fuzz", data)
		if err != nil {
			return
		}
		var blobs [][]byte
		units := 0
		for _, p := range m.Packages {
			blobs = append(blobs, p.Blob)
			for _, fn := range p.Funcs {
				units += len(fn.Units)
			}
		}
		if 5*units > len(data) {
			t.Fatalf("%d units from %d bytes", units, len(data))
		}
		if _, err := DecodeMeta("again", EncodeMeta(m.Hash, m.Mode, m.Granularity, blobs)); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzCounters checks that what decodes survives encoding.
func FuzzCounters(f *testing.F) {
	for _, mode := range modes {
		_, data := corpus(f, mode, "covcounters")
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := DecodeCounters("fuzz", data)
		if err != nil {
			return
		}
		c.Argv()
		w := NewCounterWriter(c.MetaHash, c.Args)
		for _, fn := range c.Funcs {
			w.Func(fn.Package, fn.Func, fn.Counts)
		}
		if _, err := DecodeCounters("again", w.Bytes()); err != nil {
			t.Fatal(err)
		}
	})
}
