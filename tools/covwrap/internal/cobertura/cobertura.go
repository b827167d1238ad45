// Package cobertura writes coverage as Cobertura XML, the one format that
// GitLab, Azure Pipelines and Jenkins have in common. The schema is
// coverage-04.dtd of the Cobertura project; no reader fetches it, so that it is
// not named.
package cobertura

import (
	"bufio"
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"path"
	"strconv"

	"github.com/covwrap/covwrap/tools/covwrap/internal/cover"
	"github.com/covwrap/covwrap/tools/covwrap/internal/summary"
)

// GitLabLimit is the size of the largest report that GitLab reads.
const GitLabLimit = 10 << 20

// Write writes a whole set as one report.
func Write(w io.Writer, s *cover.Set) error {
	return write(w, packages(s), s)
}

// Parts divides a set into reports of at most limit bytes each, whole packages
// in each. A package that is larger by itself is a report by itself: the
// number of those is returned too.
func Parts(s *cover.Set, limit int) (parts [][]byte, tooLarge int) {
	var some []pkg
	var size int
	flush := func() {
		var b bytes.Buffer
		write(&b, some, s) // a buffer does not fail
		if b.Len() > limit {
			tooLarge++
		}
		parts = append(parts, b.Bytes())
		some, size = nil, 0
	}
	const frame = 600 // what stands around the packages
	for _, p := range packages(s) {
		var b bytes.Buffer
		bw := bufio.NewWriter(&b)
		p.write(bw, s)
		bw.Flush()
		if len(some) > 0 && size+b.Len()+frame > limit {
			flush()
		}
		some, size = append(some, p), size+b.Len()
	}
	if len(some) > 0 || len(parts) == 0 {
		flush()
	}
	return parts, tooLarge
}

// pkg is the files of one folder.
type pkg struct {
	dir    string
	files  []*cover.File
	totals summary.Totals
}

// packages groups the files of a set by folder.
func packages(s *cover.Set) []pkg {
	var all []pkg
	byDir := map[string]int{}
	for _, f := range s.Files() {
		source, _ := cover.SplitName(f.Name)
		dir := path.Dir(source)
		i, ok := byDir[dir]
		if !ok {
			i = len(all)
			byDir[dir] = i
			all = append(all, pkg{dir: dir})
		}
		all[i].files = append(all[i].files, f)
		all[i].totals.Add(summary.Of(f))
	}
	return all
}

// write writes a report. Its time stamp is 0, so that equal coverage is an
// equal report.
func write(w io.Writer, pkgs []pkg, s *cover.Set) error {
	var t summary.Totals
	for _, p := range pkgs {
		t.Add(p.totals)
	}
	bw := bufio.NewWriterSize(w, 64<<10)
	fmt.Fprintf(bw, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<coverage%s lines-covered=\"%d\" lines-valid=\"%d\" branches-covered=\"%d\" branches-valid=\"%d\" complexity=\"0\" version=\"covwrap\" timestamp=\"0\">\n",
		rates(t), t.LinesHit, t.Lines, t.BranchHit, t.Branch)
	bw.WriteString("\t<sources>\n\t\t<source>.</source>\n\t</sources>\n\t<packages>\n")
	for i := range pkgs {
		pkgs[i].write(bw, s)
	}
	bw.WriteString("\t</packages>\n</coverage>\n")
	return bw.Flush()
}

// write writes the package element.
func (p *pkg) write(w *bufio.Writer, s *cover.Set) {
	fmt.Fprintf(w, "\t\t<package name=\"%s\"%s complexity=\"0\">\n\t\t\t<classes>\n", escape(p.dir), rates(p.totals))
	for _, f := range p.files {
		writeClass(w, s, f)
	}
	w.WriteString("\t\t\t</classes>\n\t\t</package>\n")
}

// writeClass writes a source file as what Cobertura calls a class.
func writeClass(w *bufio.Writer, s *cover.Set, f *cover.File) {
	source, _ := cover.SplitName(f.Name)
	fmt.Fprintf(w, "\t\t\t\t<class name=\"%s\" filename=\"%s\"%s complexity=\"0\">\n", escape(path.Base(source)), escape(source), rates(summary.Of(f)))
	w.WriteString("\t\t\t\t\t<methods>\n")
	for _, fn := range f.Functions() {
		if !fn.HasLine {
			continue
		}
		rate := "0"
		if fn.Count > 0 {
			rate = "1"
		}
		fmt.Fprintf(w, "\t\t\t\t\t\t<method name=\"%s\" signature=\"\" line-rate=\"%s\" branch-rate=\"0\" complexity=\"0\">\n\t\t\t\t\t\t\t<lines>\n", escape(fn.Name), rate)
		fmt.Fprintf(w, "\t\t\t\t\t\t\t\t<line number=\"%d\" hits=\"%d\"/>\n\t\t\t\t\t\t\t</lines>\n\t\t\t\t\t\t</method>\n", fn.Line, fn.Count)
	}
	w.WriteString("\t\t\t\t\t</methods>\n\t\t\t\t\t<lines>\n")
	branches := s.Branches(f)
	for _, l := range f.Lines() {
		w.WriteString("\t\t\t\t\t\t<line number=\"")
		w.Write(strconv.AppendUint(w.AvailableBuffer(), uint64(l.No), 10))
		w.WriteString("\" hits=\"")
		w.Write(strconv.AppendInt(w.AvailableBuffer(), l.Count, 10))
		hit, all := 0, 0
		for len(branches) > 0 && branches[0].Line <= l.No {
			if branches[0].Line == l.No {
				all++
				if branches[0].Taken > 0 {
					hit++
				}
			}
			branches = branches[1:]
		}
		if all > 0 {
			fmt.Fprintf(w, "\" branch=\"true\" condition-coverage=\"%d%% (%d/%d)", hit*100/all, hit, all)
		}
		w.WriteString("\"/>\n")
	}
	w.WriteString("\t\t\t\t\t</lines>\n\t\t\t\t</class>\n")
}

// rates are the two attributes that every element has.
func rates(t summary.Totals) string {
	return fmt.Sprintf(" line-rate=\"%s\" branch-rate=\"%s\"", rate(t.LinesHit, t.Lines), rate(t.BranchHit, t.Branch))
}

// rate is hit of all from 0 to 1, rounded down.
func rate(hit, all int) string {
	switch {
	case all == 0:
		return "0"
	case hit == all:
		return "1"
	}
	return fmt.Sprintf("0.%04d", int64(hit)*10000/int64(all))
}

// escape makes text fit for an attribute.
func escape(s string) string {
	var b bytes.Buffer
	xml.EscapeText(&b, []byte(s)) // a buffer does not fail
	return b.String()
}
