package lcov

import (
	"bufio"
	"io"
	"strconv"

	"github.com/covwrap/covwrap/tools/covwrap/internal/cover"
)

// WriteOptions says what to write besides the records.
type WriteOptions struct {
	// Notes writes the launcher's notes before the first record.
	Notes bool
}

// Write writes a set as one tracefile in the dialect that all known consumers
// read, in the order that Bazel's own merger has: files, functions by name,
// lines and branches by number. It returns the functions that were left out
// since no input said where they begin.
func Write(w io.Writer, s *cover.Set, opt WriteOptions) (placeless int, err error) {
	bw := bufio.NewWriterSize(w, 256<<10)
	if opt.Notes {
		writeNotes(bw, s.Notes())
	}
	lastTest := ""
	for _, f := range s.Files() {
		source, test := cover.SplitName(f.Name)
		if test == "" {
			test = f.Test()
		}
		// A TN line holds until the next one.
		if test != "" || lastTest != "" {
			bw.WriteString("TN:" + test + "\n")
		}
		lastTest = test
		bw.WriteString("SF:" + source + "\n")
		placeless += writeRecord(bw, s, f)
	}
	return placeless, bw.Flush()
}

// writeRecord writes what follows the SF line of a record.
func writeRecord(w *bufio.Writer, s *cover.Set, f *cover.File) (placeless int) {
	placeless = writeFunctions(w, f)
	writeBranches(w, s, f)
	lines := f.Lines()
	for i := range lines {
		b := append(w.AvailableBuffer(), "DA:"...)
		b = strconv.AppendUint(b, uint64(lines[i].No), 10)
		b = append(b, ',')
		b = strconv.AppendInt(b, lines[i].Count, 10)
		w.Write(append(b, '\n'))
	}
	writeTotal(w, "LH:", f.HitLines())
	writeTotal(w, "LF:", len(lines))
	w.WriteString(endOfRecord + "\n")
	return placeless
}

// writeFunctions writes the FN, FNDA, FNF and FNH lines. A function without a
// count has not run; one without a line cannot be written, since genhtml
// refuses a count for a function that has no place.
func writeFunctions(w *bufio.Writer, f *cover.File) (placeless int) {
	funcs := f.Functions()
	for i := range funcs {
		if fn := &funcs[i]; fn.HasLine {
			writeFunction(w, "FN:", int64(fn.Line), fn.Name)
		}
	}
	for i := range funcs {
		if fn := &funcs[i]; fn.HasLine {
			writeFunction(w, "FNDA:", fn.Count, fn.Name)
		} else {
			placeless++
		}
	}
	found, hit := f.CountFunctions()
	writeTotal(w, "FNF:", found)
	writeTotal(w, "FNH:", hit)
	return placeless
}

// writeFunction writes an FN or FNDA line.
func writeFunction(w *bufio.Writer, tag string, n int64, name string) {
	b := strconv.AppendInt(append(w.AvailableBuffer(), tag...), n, 10)
	w.Write(append(b, ','))
	w.WriteString(name)
	w.WriteByte('\n')
}

// writeBranches writes the BRDA lines, and BRF and BRH if there are any.
func writeBranches(w *bufio.Writer, s *cover.Set, f *cover.File) {
	branches := s.Branches(f)
	for _, br := range branches {
		b := strconv.AppendUint(append(w.AvailableBuffer(), "BRDA:"...), uint64(br.Line), 10)
		w.Write(append(b, ','))
		w.WriteString(s.BranchName(br.Block))
		w.WriteByte(',')
		w.WriteString(s.BranchName(br.Branch))
		w.WriteByte(',')
		if br.Evaluated {
			w.Write(strconv.AppendInt(w.AvailableBuffer(), br.Taken, 10))
		} else {
			w.WriteByte('-')
		}
		w.WriteByte('\n')
	}
	if found, hit := f.CountBranches(); found > 0 {
		writeTotal(w, "BRF:", found)
		writeTotal(w, "BRH:", hit)
	}
}

// writeTotal writes one of the lines that count the others.
func writeTotal(w *bufio.Writer, tag string, n int) {
	b := strconv.AppendInt(append(w.AvailableBuffer(), tag...), int64(n), 10)
	w.Write(append(b, '\n'))
}
