package lines

import (
	"bufio"
	"io"
	"math"
	"strconv"
	"strings"
)

// WriteLCOV writes a tracefile: the notes as comment lines, then one record
// per file with functions and lines, in the dialect that every consumer
// accepts (see users of "geninfo"): no branches, no checksums, exact totals.
func WriteLCOV(w io.Writer, notes []string, files []File) error {
	b := bufio.NewWriter(w)
	for _, n := range notes {
		b.WriteString("#")
		b.WriteString(strings.NewReplacer("\n", " ", "\r", " ").Replace(n))
		b.WriteByte('\n')
	}
	var num []byte
	pair := func(tag string, a, c uint64) {
		num = append(append(num[:0], tag...), ':')
		num = strconv.AppendUint(num, a, 10)
		num = append(num, ',')
		num = strconv.AppendUint(num, c, 10)
		b.Write(append(num, '\n'))
	}
	total := func(tag string, n int) {
		num = append(append(num[:0], tag...), ':')
		num = strconv.AppendInt(num, int64(n), 10)
		b.Write(append(num, '\n'))
	}
	for i := range files {
		f := &files[i]
		if len(f.Lines) == 0 {
			continue
		}
		hitLines, hitFuncs := f.Hit()
		b.WriteString("SF:")
		b.WriteString(f.Name)
		b.WriteByte('\n')
		for _, fn := range f.Funcs {
			b.WriteString("FN:" + strconv.FormatUint(uint64(fn.Line), 10) + "," + fn.Name + "\n")
		}
		for _, fn := range f.Funcs {
			b.WriteString("FNDA:" + strconv.FormatUint(clamp(fn.Count), 10) + "," + fn.Name + "\n")
		}
		total("FNF", len(f.Funcs))
		total("FNH", hitFuncs)
		for _, l := range f.Lines {
			pair("DA", uint64(l.No), clamp(l.Count))
		}
		total("LF", len(f.Lines))
		total("LH", hitLines)
		b.WriteString("end_of_record\n")
	}
	return b.Flush()
}

// clamp keeps a count within the signed 64 bits that consumers parse.
func clamp(c uint64) uint64 { return min(c, math.MaxInt64) }
