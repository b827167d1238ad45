package lcov

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/covwrap/covwrap/bench/merge/corpus"
	"github.com/covwrap/covwrap/tools/covwrap/internal/cover"
	"github.com/covwrap/covwrap/tools/covwrap/internal/trouble"
)

// BenchmarkParse adds one tracefile of 1 MB to a set that has all its lines
// already, the common case of a merge.
func BenchmarkParse(b *testing.B) {
	dir := b.TempDir()
	if _, _, err := (corpus.Spec{Files: 1, Records: 500, Lines: 198}).Write(dir); err != nil {
		b.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "test00000.dat"))
	if err != nil {
		b.Fatal(err)
	}
	p := NewParser(cover.NewSet(), &trouble.Log{})
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if err := p.Parse(bytes.NewReader(data), Options{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(bytes.Count(data, []byte("\n"))), "ns/line")
}
