// Package corpus writes tracefiles for benchmarks: always the same bytes for
// the same Spec.
package corpus

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Spec describes a corpus.
type Spec struct {
	Files    int // tracefiles
	Records  int // source files in each
	Lines    int // instrumented lines of each source file
	Distinct int // 0: all tracefiles name the same source files; else this many differ per tracefile
	Cycle    int // 0: each source file once per tracefile; else they come round again after so many records
	Branches bool
	LongLine int // length of one extra line (a function's name) per record
}

// Write writes the corpus into dir and returns the paths and their bytes in
// all. Tracefiles look like those of a real tool: functions, then lines in
// order with gaps, most counts small.
func (s Spec) Write(dir string) (paths []string, bytes int64, err error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, 0, err
	}
	for i := range s.Files {
		path := filepath.Join(dir, fmt.Sprintf("test%05d.dat", i))
		if err := s.writeFile(path, i); err != nil {
			return nil, 0, err
		}
		info, err := os.Stat(path)
		if err != nil {
			return nil, 0, err
		}
		paths = append(paths, path)
		bytes += info.Size()
	}
	return paths, bytes, nil
}

// writeFile writes the i-th tracefile.
func (s Spec) writeFile(path string, i int) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	counts := rand.New(rand.NewPCG(uint64(i), 1))
	for r := range s.Records {
		n := r
		if s.Cycle > 0 {
			n %= s.Cycle
		}
		if r < s.Distinct {
			n = s.Records + i*s.Distinct + r
		}
		s.writeRecord(w, n, counts)
	}
	if err := w.Flush(); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// writeRecord writes the record of source file n. Its lines are the same in
// every tracefile, its counts are not.
func (s Spec) writeRecord(w *bufio.Writer, n int, counts *rand.Rand) {
	shape := rand.New(rand.NewPCG(uint64(n), 2))
	fmt.Fprintf(w, "SF:services/team%02d/pkg%03d/file%d.go\n", n%20, n%100, n)
	const perFunc = 20
	funcs := s.Lines / perFunc
	for k := range funcs {
		fmt.Fprintf(w, "FN:%d,func%d\n", k*perFunc*2+3, k)
	}
	if s.LongLine > 0 {
		name := strings.Repeat("x", s.LongLine)
		fmt.Fprintf(w, "FN:1,%s\nFNDA:1,%s\n", name, name)
	}
	hitFuncs := 0
	for k := range funcs {
		c := counts.IntN(3)
		hitFuncs += min(c, 1)
		fmt.Fprintf(w, "FNDA:%d,func%d\n", c, k)
	}
	fmt.Fprintf(w, "FNF:%d\nFNH:%d\n", funcs, hitFuncs)
	if s.Branches {
		for k := range funcs {
			fmt.Fprintf(w, "BRDA:%d,0,0,%d\nBRDA:%d,0,1,-\n", k*perFunc*2+4, counts.IntN(9), k*perFunc*2+4)
		}
		fmt.Fprintf(w, "BRF:%d\nBRH:0\n", 2*funcs)
	}
	line, hit := 2, 0
	for range s.Lines {
		line += 1 + shape.IntN(3)/2
		c := 0
		if counts.IntN(3) > 0 {
			c = 1 << counts.IntN(8)
			hit++
		}
		b := append(w.AvailableBuffer(), "DA:"...)
		b = append(strconv.AppendInt(b, int64(line), 10), ',')
		w.Write(append(strconv.AppendInt(b, int64(c), 10), '\n'))
	}
	fmt.Fprintf(w, "LH:%d\nLF:%d\nend_of_record\n", hit, s.Lines)
}
