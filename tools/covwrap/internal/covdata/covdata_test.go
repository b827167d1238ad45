package covdata

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"sort"
	"strings"
	"testing"
)

// TestTextfmt prints the decoded corpus as Go's own tool does and compares
// every byte: names, positions, order and counts of all blocks.
func TestTextfmt(t *testing.T) {
	for _, mode := range modes {
		m, c := decodeCorpus(t, mode)
		want, err := os.ReadFile(filepath.Join("testdata", mode, "textfmt.txt"))
		if err != nil {
			t.Fatal(err)
		}
		equalBytes(t, mode, []byte(textfmt(m, c)), want)
	}
}

func decodeCorpus(t testing.TB, mode string) (*Meta, *Counters) {
	t.Helper()
	name, data := corpus(t, mode, "covmeta")
	m, err := DecodeMeta(name, data)
	if err != nil {
		t.Fatal(err)
	}
	name, data = corpus(t, mode, "covcounters")
	c, err := DecodeCounters(name, data)
	if err != nil {
		t.Fatal(err)
	}
	return m, c
}

// textfmt is Go's text profile of one counter file.
func textfmt(m *Meta, c *Counters) string {
	counts := map[[2]uint32][]uint32{}
	for _, f := range c.Funcs {
		counts[[2]uint32{f.Package, f.Func}] = f.Counts
	}
	var out strings.Builder
	fmt.Fprintf(&out, "mode: %s\n", m.Mode)
	packages := make([]int, len(m.Packages))
	for i := range packages {
		packages[i] = i
	}
	sort.Slice(packages, func(i, j int) bool { return m.Packages[packages[i]].Path < m.Packages[packages[j]].Path })
	for _, i := range packages {
		type line struct {
			file  string
			unit  Unit
			count uint32
		}
		var lines []line
		for j, f := range m.Packages[i].Funcs {
			for k, u := range f.Units {
				l := line{f.File, u, 0}
				if c := counts[[2]uint32{uint32(i), uint32(j)}]; c != nil {
					l.count = c[k]
				}
				lines = append(lines, l)
			}
		}
		sort.SliceStable(lines, func(a, b int) bool {
			x, y := lines[a], lines[b]
			if x.file != y.file {
				return x.file < y.file
			}
			return x.unit.StartLine < y.unit.StartLine || x.unit.StartLine == y.unit.StartLine && x.unit.EndLine < y.unit.EndLine
		})
		for _, l := range lines {
			u := l.unit
			fmt.Fprintf(&out, "%s:%d.%d,%d.%d %d %d\n", l.file, u.StartLine, u.StartCol, u.EndLine, u.EndCol, u.Stmts, l.count)
		}
	}
	return out.String()
}

// TestMeta checks what the text profile does not show.
func TestMeta(t *testing.T) {
	for i, mode := range modes {
		m, c := decodeCorpus(t, mode)
		name, data := corpus(t, mode, "covmeta")
		if want := Mode(i + 1); m.Mode != want || m.Granularity != PerBlock {
			t.Errorf("%s: mode %v, granularity %v", mode, m.Mode, m.Granularity)
		}
		if want := strings.TrimPrefix(name, "covmeta."); m.Hash.String() != want || c.MetaHash != m.Hash {
			t.Errorf("%s: hash %v in the meta-data and %v in the counters, want %v", mode, m.Hash, c.MetaHash, want)
		}
		var hashes []Hash
		var blobs [][]byte
		var funcs []string
		for _, p := range m.Packages {
			hashes = append(hashes, p.Hash)
			blobs = append(blobs, p.Blob)
			for _, f := range p.Funcs {
				funcs = append(funcs, fmt.Sprintf("%s %s %s %v %d", p.Path, p.Name, f.Name, f.Literal, len(f.Units)))
			}
		}
		if got := BinaryHash(hashes, m.Mode, m.Granularity); got != m.Hash {
			t.Errorf("%s: BinaryHash = %v, want %v", mode, got, m.Hash)
		}
		wantFuncs := []string{
			"example.com/corpus/shape shape Square.Area false 1",
			"example.com/corpus/shape shape *Square.Grow false 1",
			"example.com/corpus/shape shape Max false 3",
			"example.com/corpus main func.L12.C14 true 1",
			"example.com/corpus main empty false 1",
			"example.com/corpus main main false 5",
		}
		if !reflect.DeepEqual(funcs, wantFuncs) {
			t.Errorf("%s: functions\n%s\nwant\n%s", mode, strings.Join(funcs, "\n"), strings.Join(wantFuncs, "\n"))
		}
		if m.Packages[0].Module != "example.com/corpus" {
			t.Errorf("%s: module %q", mode, m.Packages[0].Module)
		}
		equalBytes(t, mode+" encoded again", EncodeMeta(m.Hash, m.Mode, m.Granularity, blobs), data)
	}
}

// TestCounters checks annotations and that what is encoded here is what Go's
// runtime encodes, up to the order of the strings, which is random there.
func TestCounters(t *testing.T) {
	for _, mode := range modes {
		_, c := decodeCorpus(t, mode)
		if got, want := c.Argv(), []string{"corpus", "one", "two words"}; !reflect.DeepEqual(got, want) {
			t.Errorf("%s: Argv() = %q, want %q", mode, got, want)
		}
		if want := Args(c.Argv(), "linux", "amd64"); !reflect.DeepEqual(c.Args, want) {
			t.Errorf("%s: Args = %v, want %v", mode, c.Args, want)
		}
		_, data := corpus(t, mode, "covcounters")
		w := NewCounterWriter(Hash{1}, map[string]string{"left": "over"})
		w.Func(7, 7, []uint32{7})
		w.Reset(c.MetaHash, c.Args)
		for _, f := range c.Funcs {
			w.Func(f.Package, f.Func, f.Counts)
		}
		again := w.Bytes()
		if len(again) != len(data) {
			t.Fatalf("%s: encoded again: %d bytes, want %d", mode, len(again), len(data))
		}
		tail := len(data) - payload(data)
		equalBytes(t, mode+" header", again[:counterHeaderSize+segmentHeaderSize], data[:counterHeaderSize+segmentHeaderSize])
		equalBytes(t, mode+" counters", again[len(again)-tail:], data[len(data)-tail:])
		c2, err := DecodeCounters("again", again)
		if err != nil || !reflect.DeepEqual(c2, c) {
			t.Errorf("%s: decoded again: %v, %+v, want %+v", mode, err, c2, c)
		}
	}
}

// payload returns where the counters of the first segment begin.
func payload(data []byte) int {
	h := data[counterHeaderSize:]
	return counterHeaderSize + segmentHeaderSize + int(le.Uint32(h[8:])) + int(le.Uint32(h[12:]))
}

// TestToolReadsOurs lets Go's own tool read files that were encoded here.
func TestToolReadsOurs(t *testing.T) {
	m, c := decodeCorpus(t, "count")
	dir := t.TempDir()
	_, meta := corpus(t, "count", "covmeta")
	if err := os.WriteFile(filepath.Join(dir, "covmeta."+m.Hash.String()), meta, 0o666); err != nil {
		t.Fatal(err)
	}
	w := NewCounterWriter(m.Hash, Args([]string{"a", "b\x00c", ""}, "linux", "arm64"))
	for _, f := range c.Funcs {
		w.Func(f.Package, f.Func, f.Counts)
	}
	for _, pid := range []string{"1", "2"} {
		if err := os.WriteFile(filepath.Join(dir, "covcounters."+m.Hash.String()+"."+pid+".99"), w.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
		w.Reset(m.Hash, nil)
		for _, f := range c.Funcs {
			w.Func(f.Package, f.Func, f.Counts)
		}
	}
	got := string(tool(t, "percent", "-i="+dir))
	want := "\texample.com/corpus\t\tcoverage: 88.9% of statements\n\texample.com/corpus/shape\t\tcoverage: 60.0% of statements\n"
	if got != want {
		t.Errorf("percent:\n%swant\n%s", got, want)
	}
}

// TestSegments reads a file of several segments and both raw spellings, which
// Go's tools may write though its runtime does not.
func TestSegments(t *testing.T) {
	header := func(flavour, bigEndian byte) []byte {
		b := append([]byte(counterMagic), 1, 0, 0, 0)
		b = append(b, make([]byte, 16)...)
		return append(b, flavour, bigEndian, 0, 0, 0, 0, 0, 0)
	}
	segment := func(n byte, payload ...byte) []byte {
		b := le.AppendUint64(nil, uint64(n))
		b = le.AppendUint32(b, 2) // string table
		b = le.AppendUint32(b, 2) // args
		b = append(b, 1, 0, 0, 0)
		return append(b, payload...)
	}
	footer := func(segments byte) []byte {
		b := append([]byte(counterMagic), 0, 0, 0, 0)
		return append(b, segments, 0, 0, 0, 0, 0, 0, 0)
	}
	join := func(parts ...[]byte) (all []byte) {
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	two := []FuncCounters{{0, 1, []uint32{5}}, {2, 3, []uint32{6, 300}}}
	for name, tc := range map[string]struct {
		data []byte
		want []FuncCounters
	}{
		"uleb, second segment unaligned": {join(header(2, 0), segment(1, 1, 0, 1, 5), footer(1), segment(1, 2, 2, 3, 6, 0xac, 2), footer(2)), two},
		"uleb, odd first segment":        {join(header(2, 0), segment(1, 2, 2, 3, 6, 0xac, 2), footer(1), segment(1, 1, 0, 1, 5), footer(2)), []FuncCounters{two[1], two[0]}},
		"raw little-endian":              {join(header(1, 0), segment(1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 5, 0, 0, 0), footer(1)), two[:1]},
		"raw big-endian":                 {join(header(1, 1), segment(1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 5), footer(1)), two[:1]},
	} {
		c, err := DecodeCounters(name, tc.data)
		if err != nil || !reflect.DeepEqual(c.Funcs, tc.want) {
			t.Errorf("%s: %v, %+v, want %+v", name, err, c, tc.want)
		}
	}
}

func TestParseHash(t *testing.T) {
	h, err := ParseHash("00112233445566778899aabbccddeeff")
	if err != nil || h.String() != "00112233445566778899aabbccddeeff" {
		t.Errorf("ParseHash: %v, %v", h, err)
	}
	for in, want := range map[string]string{
		"0011":                             `"0011" is no meta-data hash: it has 4 characters, not 32`,
		"00112233445566778899AAbbccddeeff": `"00112233445566778899AAbbccddeeff" is no meta-data hash: only the digits 0-9 and a-f may stand in it`,
	} {
		if _, err := ParseHash(in); err == nil || err.Error() != want {
			t.Errorf("ParseHash(%q): %v, want %s", in, err, want)
		}
	}
}
