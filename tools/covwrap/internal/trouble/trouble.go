// Package trouble gathers what was wrong with inputs, so that one bad file
// is named and counted while the rest is merged. It is bounded: however broken
// the inputs are, a reader gets the first few places of each kind per file
// and the number of the others.
package trouble

import (
	"fmt"
	"io"
	"os"
	"sort"
	"sync"
)

const (
	// perKind is how many places of one kind are named per file.
	perKind = 3
	// maxKinds bounds the memory when there are very many broken files.
	maxKinds = 10_000
	// maxPrinted bounds what Print writes.
	maxPrinted = 60
)

// NoPlace is the offset of a finding that concerns a file as a whole.
const NoPlace = -1

// Finding is one thing that was wrong.
type Finding struct {
	Slug   string // stable name of the kind, documented in docs/messages.md
	Path   string // the input
	Offset int64  // byte offset of the line in the file, or NoPlace
	Line   int64  // number of the line if known, else 0: Print counts it
	Text   string
}

// Log gathers findings. The zero Log is ready; its methods may be called from
// several goroutines at once.
type Log struct {
	mu    sync.Mutex
	kinds map[kind]*list
	total int64
	lost  int64 // findings beyond maxKinds
}

type kind struct{ path, slug string }

// list is the findings of one kind in one file: the first by offset, since
// parts of a file are read in parallel and the choice must not depend on that.
type list struct {
	first []Finding
	count int64
}

// Add notes a finding.
func (l *Log) Add(f Finding) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total++
	if l.kinds == nil {
		l.kinds = map[kind]*list{}
	}
	k := kind{f.Path, f.Slug}
	e := l.kinds[k]
	if e == nil {
		if len(l.kinds) >= maxKinds {
			l.lost++
			return
		}
		e = &list{}
		l.kinds[k] = e
	}
	e.count++
	i := sort.Search(len(e.first), func(i int) bool {
		a := e.first[i]
		return a.Offset > f.Offset || a.Offset == f.Offset && a.Line > f.Line
	})
	if i >= perKind {
		return
	}
	e.first = append(e.first, Finding{})
	copy(e.first[i+1:], e.first[i:])
	e.first[i] = f
	if len(e.first) > perKind {
		e.first = e.first[:perKind]
	}
}

// Addf notes a finding about a file as a whole.
func (l *Log) Addf(slug, path, format string, args ...any) {
	l.Add(Finding{Slug: slug, Path: path, Offset: NoPlace, Text: fmt.Sprintf(format, args...)})
}

// Count is the number of findings.
func (l *Log) Count() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.total
}

// Files is the number of inputs with findings.
func (l *Log) Files() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	paths := map[string]bool{}
	for k := range l.kinds {
		paths[k.path] = true
	}
	return len(paths)
}

// Findings returns what is kept, by path, place and slug, with lines counted.
func (l *Log) Findings() []Finding {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []Finding
	for _, e := range l.kinds {
		all = append(all, e.first...)
		if more := e.count - int64(len(e.first)); more > 0 {
			last := e.first[len(e.first)-1]
			all = append(all, Finding{Slug: last.Slug, Path: last.Path, Offset: 1<<63 - 1, Text: fmt.Sprintf("%d more of this kind", more)})
		}
	}
	sort.Slice(all, func(i, j int) bool {
		a, b := all[i], all[j]
		switch {
		case a.Path != b.Path:
			return a.Path < b.Path
		case a.Offset != b.Offset:
			return a.Offset < b.Offset
		case a.Line != b.Line:
			return a.Line < b.Line
		}
		return a.Slug < b.Slug
	})
	for i := range all {
		if all[i].Offset == 1<<63-1 {
			all[i].Offset = NoPlace
		} else if all[i].Offset >= 0 && all[i].Line == 0 {
			all[i].Line = lineAt(all[i].Path, all[i].Offset)
		}
	}
	return all
}

// Print writes all findings for people, one a line, each after prefix.
func (l *Log) Print(w io.Writer, prefix string) {
	all := l.Findings()
	for i, f := range all {
		if i == maxPrinted {
			fmt.Fprintf(w, "%s: warning: %d more places in %d files in all\n", prefix, len(all)-i, l.Files())
			return
		}
		fmt.Fprintf(w, "%s: warning: %s: %s [%s]\n", prefix, f.place(), f.Text, f.Slug)
	}
	if l.lost > 0 {
		fmt.Fprintf(w, "%s: warning: %d findings in more files\n", prefix, l.lost)
	}
}

// place spells where a finding is.
func (f Finding) place() string {
	if f.Line > 0 {
		return fmt.Sprintf("%s:%d", f.Path, f.Line)
	}
	return f.Path
}

// lineAt counts the number of the line at offset, or returns 0 if the file
// cannot be read any more. Parsers do not count lines themselves: nearly all
// files are without fault, and counting would cost each of them.
func lineAt(path string, offset int64) int64 {
	f, err := os.Open(path)
	if err != nil {
		return 0
	}
	defer f.Close()
	buf := make([]byte, 64<<10)
	line := int64(1)
	for offset > 0 {
		n, err := f.Read(buf[:min(offset, int64(len(buf)))])
		for _, b := range buf[:n] {
			if b == '\n' {
				line++
			}
		}
		offset -= int64(n)
		if err != nil || n == 0 {
			break
		}
	}
	return line
}
