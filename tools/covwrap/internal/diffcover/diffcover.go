// Package diffcover tells how much of what changed is covered.
package diffcover

import (
	"fmt"
	"io"
	"path"
	"path/filepath"
	"sort"
	"strings"

	"github.com/covwrap/covwrap/tools/covwrap/internal/cover"
	"github.com/covwrap/covwrap/tools/covwrap/internal/gitdiff"
	"github.com/covwrap/covwrap/tools/covwrap/internal/minimum"
	"github.com/covwrap/covwrap/tools/covwrap/internal/summary"
)

// Report is the coverage of changed lines.
type Report struct {
	Base     string          `json:"base"` // the commit
	Lines    int             `json:"lines"`
	Hit      int             `json:"lines_hit"`
	Required minimum.Percent `json:"required_thousandths"`
	OK       bool            `json:"ok"`
	Files    []File          `json:"files"`
	// Unknown are changed files that the coverage says nothing of: no code, or
	// code that nothing measured.
	Unknown []string `json:"not_in_coverage,omitempty"`
}

// File is the coverage of the changed lines of one file.
type File struct {
	Name   string `json:"name"`
	Lines  int    `json:"lines"` // changed lines that can be covered
	Hit    int    `json:"lines_hit"`
	Missed []int  `json:"missed"` // the lines that did not run
}

// Of compares coverage with changes. Names in the coverage are relative to the
// top of the working tree or to dir (absolute), or absolute.
func Of(s *cover.Set, c *gitdiff.Changes, dir string) *Report {
	r := &Report{Base: c.Base, Files: []File{}}
	seen := map[string]bool{}
	prefix := relative(c.Top, dir)
	for _, f := range s.Files() {
		source, _ := cover.SplitName(f.Name)
		name, ranges := find(c, source, prefix)
		if ranges == nil {
			continue
		}
		seen[name] = true
		out := File{Name: name, Missed: []int{}}
		for _, l := range f.Lines() {
			if !within(ranges, int(l.No)) {
				continue
			}
			out.Lines++
			if l.Count > 0 {
				out.Hit++
			} else {
				out.Missed = append(out.Missed, int(l.No))
			}
		}
		if out.Lines > 0 {
			r.Files = append(r.Files, out)
			r.Lines, r.Hit = r.Lines+out.Lines, r.Hit+out.Hit
		}
	}
	for name := range c.Files {
		if !seen[name] {
			r.Unknown = append(r.Unknown, name)
		}
	}
	sort.Strings(r.Unknown)
	return r
}

// relative is dir as seen from top, with forward slashes; "" if it is top, or
// not below it.
func relative(top, dir string) string {
	if resolved, err := filepath.EvalSymlinks(dir); err == nil {
		dir = resolved
	}
	rel, err := filepath.Rel(top, dir)
	if err != nil || rel == "." || strings.HasPrefix(rel, "..") {
		return ""
	}
	return filepath.ToSlash(rel)
}

// find looks a source file up among the changes.
func find(c *gitdiff.Changes, source, prefix string) (string, []gitdiff.Range) {
	if rel, ok := strings.CutPrefix(source, filepath.ToSlash(c.Top)+"/"); ok {
		source = rel
	}
	if ranges := c.Files[source]; ranges != nil {
		return source, ranges
	}
	name := path.Join(prefix, source)
	return name, c.Files[name]
}

// within tells whether a line is in one of some ranges, which are in order.
func within(ranges []gitdiff.Range, line int) bool {
	i := sort.Search(len(ranges), func(i int) bool { return ranges[i].Last >= line })
	return i < len(ranges) && ranges[i].First <= line
}

// Write shows a report to people.
func (r *Report) Write(w io.Writer) error {
	if r.Lines == 0 {
		_, err := fmt.Fprintf(w, "no line that changed since %.12s can be covered\n", r.Base)
		if err == nil && len(r.Unknown) > 0 {
			err = r.writeUnknown(w)
		}
		return err
	}
	rows := [][]string{{"changed file", "covered", "percent", "lines not covered"}}
	for _, f := range r.Files {
		rows = append(rows, []string{f.Name, fmt.Sprintf("%d/%d", f.Hit, f.Lines), summary.Percent(f.Hit, f.Lines), spell(f.Missed)})
	}
	rows = append(rows, []string{"total", fmt.Sprintf("%d/%d", r.Hit, r.Lines), summary.Percent(r.Hit, r.Lines), ""})
	summary.WriteColumns(w, rows, 1, 3)
	return r.writeUnknown(w)
}

// writeUnknown names the changed files that the coverage does not have.
func (r *Report) writeUnknown(w io.Writer) error {
	const most = 10
	for i, name := range r.Unknown {
		if i == 0 {
			fmt.Fprintf(w, "changed, but not in the coverage:\n")
		}
		if i == most {
			_, err := fmt.Fprintf(w, "  and %d more\n", len(r.Unknown)-most)
			return err
		}
		if _, err := fmt.Fprintf(w, "  %s\n", name); err != nil {
			return err
		}
	}
	return nil
}

// spell writes numbers in order as ranges: "3-5, 9".
func spell(numbers []int) string {
	var parts []string
	for i := 0; i < len(numbers); {
		j := i
		for j+1 < len(numbers) && numbers[j+1] == numbers[j]+1 {
			j++
		}
		if i == j {
			parts = append(parts, fmt.Sprint(numbers[i]))
		} else {
			parts = append(parts, fmt.Sprintf("%d-%d", numbers[i], numbers[j]))
		}
		i = j + 1
	}
	return strings.Join(parts, ", ")
}
