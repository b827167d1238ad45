package account

import (
	"bytes"
	"debug/elf"
	"debug/macho"
	"debug/pe"
	"io"
	"os"
)

// checker tells whether executables were built for coverage, each file once.
type checker map[string]verdict

type verdict struct{ covered, known bool }

func newChecker() checker { return checker{} }

// covered reports whether an executable has coverage counters. known is false
// if the file can no longer be read.
func (c checker) covered(exe string) (covered, known bool) {
	v, ok := c[exe]
	if !ok {
		v.covered, v.known = instrumented(exe)
		c[exe] = v
	}
	return v.covered, v.known
}

// marker is the function by which every package with counters registers its
// meta-data. The linker keeps it only in binaries that call it, and its name,
// in the table of function names, survives stripping.
var marker = []byte("\x00runtime.addCovMeta\x00")

// instrumented looks for the marker.
func instrumented(exe string) (covered, known bool) {
	info, err := os.Stat(exe)
	if err != nil {
		return false, false
	}
	if !info.Mode().IsRegular() {
		return false, true
	}
	f, err := os.Open(exe)
	if err != nil {
		return false, !os.IsNotExist(err) && !os.IsPermission(err)
	}
	defer f.Close()
	for _, table := range nameTables(f) {
		if contains(table, marker) {
			return true, true
		}
	}
	return false, true
}

// nameTables returns the parts of an executable in which a table of function
// names may be; none if it is no executable.
func nameTables(f io.ReaderAt) (tables []io.Reader) {
	if e, err := elf.NewFile(f); err == nil {
		for _, s := range e.Sections {
			// The table has this name, or with external linking stands in one
			// that begins like ".data.rel.ro".
			if s.Name == ".gopclntab" || s.Name == ".data.rel.ro.gopclntab" || s.Name == ".data.rel.ro" {
				tables = append(tables, s.Open())
			}
		}
	} else if w, err := pe.NewFile(f); err == nil {
		for _, s := range w.Sections {
			if s.Name == ".rdata" || s.Name == ".gopclntab" {
				tables = append(tables, s.Open())
			}
		}
	} else if m, err := macho.NewFile(f); err == nil {
		for _, s := range m.Sections {
			if s.Name == "__gopclntab" {
				tables = append(tables, s.Open())
			}
		}
	}
	return tables
}

// contains reports whether a stream has the bytes.
func contains(r io.Reader, what []byte) bool {
	buf := make([]byte, 256<<10)
	kept := 0
	for {
		n, err := r.Read(buf[kept:])
		if bytes.Contains(buf[:kept+n], what) {
			return true
		}
		if err != nil {
			return false
		}
		// What is searched may begin in this part and end in the next.
		end := kept + n
		kept = min(end, len(what)-1)
		copy(buf, buf[end-kept:end])
	}
}
