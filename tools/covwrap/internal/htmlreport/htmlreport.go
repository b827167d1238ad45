// Package htmlreport writes coverage as static pages: an index by folder, and a
// page per source file with the count beside every line. The pages need no
// script and nothing from elsewhere, so that they can be kept as an artifact of
// a build and read from a file.
package htmlreport

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/covwrap/covwrap/tools/covwrap/internal/cover"
	"github.com/covwrap/covwrap/tools/covwrap/internal/summary"
)

// marker is a file that says that a folder is a report and may be replaced.
const marker = ".covwrap-report"

// Options says how to write a report.
type Options struct {
	Title  string
	Source string // folder that the names of source files are relative to
}

// Result says what was written.
type Result struct {
	Pages   int
	Missing []string // source files that could not be read: their pages have counts only
}

// Write writes a report into the folder dir, in place of an earlier report. A
// folder that holds anything else is left alone: that is an error.
func Write(dir string, s *cover.Set, opt Options) (Result, error) {
	var r Result
	if err := clear(dir); err != nil {
		return r, err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return r, err
	}
	for name, text := range map[string]string{marker: "", "style.css": style} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			return r, err
		}
	}
	rep := &report{set: s, opt: opt, pages: map[string]string{}}
	for _, f := range s.Files() {
		source, _ := cover.SplitName(f.Name)
		page := rep.page(source)
		if _, ok := rep.pages[page]; ok {
			continue // a test's own record: the report does not keep tests apart
		}
		rep.pages[page] = source
		found := false
		err := writePage(filepath.Join(dir, filepath.FromSlash(page)), func(w *bufio.Writer) {
			found = rep.writeFile(w, page, source, f)
		})
		if err != nil {
			return r, err
		}
		r.Pages++
		if !found {
			r.Missing = append(r.Missing, source)
		}
	}
	return r, writePage(filepath.Join(dir, "index.html"), rep.writeIndex)
}

// clear removes an earlier report.
func clear(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) || err == nil && len(entries) == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := os.Lstat(filepath.Join(dir, marker)); err != nil {
		return fmt.Errorf("%s is neither empty nor an earlier report: name another folder", dir)
	}
	for _, e := range entries {
		if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// writePage writes one file, with the folders above it.
func writePage(name string, write func(*bufio.Writer)) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return err
	}
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 64<<10)
	write(w)
	if err := w.Flush(); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// report is one report being written.
type report struct {
	set   *cover.Set
	opt   Options
	pages map[string]string // page: source file
}

// page is the path of a source file's page in the report: below it whatever
// the name is, and never the index.
func (r *report) page(source string) string {
	var parts []string
	for _, p := range strings.Split(filepath.ToSlash(source), "/") {
		switch p {
		case "", ".":
			p = "_"
		case "..":
			p = "_up"
		}
		parts = append(parts, strings.NewReplacer(`\`, "_", ":", "_").Replace(p))
	}
	return "src/" + strings.Join(parts, "/") + ".html"
}

// writeHead begins a page; up leads to the top of the report.
func (r *report) writeHead(w *bufio.Writer, up, title string, t summary.Totals) {
	fmt.Fprintf(w, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\n<title>%s</title><link rel=\"stylesheet\" href=\"%sstyle.css\"></head><body>\n<header>", escape(title), up)
	if up != "" {
		fmt.Fprintf(w, "<a href=\"%sindex.html\">%s</a> / ", up, escape(r.opt.Title))
	}
	fmt.Fprintf(w, "<h1>%s</h1><p>", escape(title))
	for i, c := range []struct {
		name     string
		hit, all int
	}{{"lines", t.LinesHit, t.Lines}, {"functions", t.FuncsHit, t.Funcs}, {"branches", t.BranchHit, t.Branch}} {
		if i == 0 || c.all > 0 {
			fmt.Fprintf(w, "<span class=\"%s\">%s %s</span> (%d/%d) ", grade(c.hit, c.all), c.name, summary.Percent(c.hit, c.all), c.hit, c.all)
		}
	}
	w.WriteString("</p></header>\n")
}

// writeIndex writes the first page: folders, their files under them.
func (r *report) writeIndex(w *bufio.Writer) {
	byFile, byPackage := summary.ByFile(r.set), summary.ByPackage(r.set)
	r.writeHead(w, "", r.opt.Title, byFile.Total)
	files := map[string][]summary.Row{}
	for _, row := range byFile.Rows {
		p := summary.Package(row.Name)
		files[p] = append(files[p], row)
	}
	w.WriteString("<main class=\"index\">\n")
	for _, p := range byPackage.Rows {
		fmt.Fprintf(w, "<details open><summary>%s</summary>\n<table>\n", rowCells(escape(p.Name), p.Totals, "b"))
		for _, f := range files[p.Name] {
			link := fmt.Sprintf("<a href=\"%s\">%s</a>", href(r.page(f.Name)), escape(path.Base(f.Name)))
			fmt.Fprintf(w, "<tr><td>%s</td></tr>\n", rowCells(link, f.Totals, "span"))
		}
		w.WriteString("</table></details>\n")
	}
	w.WriteString("</main></body></html>\n")
}

// rowCells is a row of the index: a bar, the percentage, the numbers, a name.
func rowCells(name string, t summary.Totals, tag string) string {
	width := 0
	if t.Lines > 0 {
		width = t.LinesHit * 100 / t.Lines
	}
	return fmt.Sprintf("<i class=\"bar\"><i class=\"%s\" style=\"width:%d%%\"></i></i><i class=\"num\">%s</i><i class=\"num\">%d/%d</i> <%s>%s</%s>",
		grade(t.LinesHit, t.Lines), width, summary.Percent(t.LinesHit, t.Lines), t.LinesHit, t.Lines, tag, name, tag)
}

// grade is the class of a share.
func grade(hit, all int) string {
	switch {
	case all == 0:
		return "none"
	case hit*2 < all:
		return "low"
	case hit*10 < all*8:
		return "mid"
	}
	return "high"
}

// escape makes text fit for HTML, attributes included.
func escape(s string) string {
	if !strings.ContainsAny(s, "&<>\"'") {
		return s
	}
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\"", "&#34;", "'", "&#39;").Replace(s)
}

// href makes the path of a page fit for an attribute.
func href(page string) string {
	var b strings.Builder
	for i := 0; i < len(page); i++ {
		c := page[i]
		if c == '/' || c == '-' || c == '_' || c == '.' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// maxLineLength is how much of a line is shown: minified sources have lines of
// megabytes.
const maxLineLength = 2000

// readSource returns the lines of a source file. Only a regular file in the
// source folder is read: the name comes from coverage data, and a report may
// be published.
func (r *report) readSource(source string) ([]string, bool) {
	if !filepath.IsLocal(filepath.FromSlash(source)) {
		return nil, false
	}
	root, err := os.OpenRoot(r.opt.Source)
	if err != nil {
		return nil, false
	}
	defer root.Close()
	f, err := root.Open(filepath.FromSlash(source))
	if err != nil {
		return nil, false
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() || info.Size() > 64<<20 {
		return nil, false
	}
	text, err := io.ReadAll(f)
	if err != nil {
		return nil, false
	}
	lines := strings.Split(string(text), "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines, true
}
