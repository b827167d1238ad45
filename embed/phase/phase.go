// Package phase marks phases in the life of the covered processes of one
// profile directory, so that reports can be split by phase ("before the
// failover", "after it") without ending a process.
//
// A mark leaves these files in the profile directory:
//
//	covmark.<ns>                    one line: "phase <name>" or "reset"
//	covsnap.<pid>.<start>.<ns>      counters of covmap.<pid>.<start> at the mark
//	covpart.<pid>.<start>.<ns>      counters taken out of it at the mark
//	covmark.lock                    held (flock) while a mark is being made
//
// <ns> is the time of the mark, nanoseconds since 1970, 20 digits, so that
// names sort by time; no two marks of a directory have the same. Snapshots are
// made of processes that live at the mark, in the form of the map's counters
// alone: an array of words.
//
// Counters that count (-covermode=count and atomic) are only read: what a
// phase did is the difference of two snapshots, and the process is not
// disturbed. Counters that say yes or no (-covermode=set) cannot be
// subtracted; they are taken out, each by one atomic exchange with zero, into
// a file that is mapped, so that none is lost whatever ends this process or
// that one.
//
// Reader: tools/covwrap/internal/phases.
package phase

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Names of the files above.
const (
	MarkPrefix = "covmark."
	SnapPrefix = "covsnap."
	PartPrefix = "covpart."
	mapPrefix  = "covmap."
	LockName   = MarkPrefix + "lock"
)

// maxName bounds the name of a phase; it becomes part of file names.
const maxName = 100

// Mark begins a new phase for all processes of the profile directory. A name
// may come twice: its phase then goes on.
func Mark(dir, name string) error {
	if err := CheckName(name); err != nil {
		return err
	}
	return mark(dir, "phase "+name+"\n")
}

// Reset drops what was counted so far in the profile directory, of living and
// of ended processes, from all reports.
func Reset(dir string) error { return mark(dir, "reset\n") }

// CheckName says what is wrong with a phase's name, nil if nothing is.
func CheckName(name string) error {
	switch {
	case name == "" || name == "." || name == ".." || len(name) > maxName:
		return fmt.Errorf("phase name %.200q: it must have 1 to %d bytes and must not be \".\" or \"..\"", name, maxName)
	case name[0] == '(' || strings.ContainsAny(name, "/\\,:") || strings.IndexFunc(name, unicode.IsControl) >= 0 || !utf8.ValidString(name):
		return fmt.Errorf("phase name %q: it must not begin with a parenthesis, and slashes, colons, commas and control characters cannot stand in it, since it becomes part of file names and tracefiles", name)
	}
	return nil
}

// mark writes the mark, then takes the snapshots. A process that starts in
// between belongs to the new phase as a whole, by its start.
func mark(dir, content string) (err error) {
	if err := fits(int64(len(content))); err != nil {
		return err
	}
	unlock, err := lock(filepath.Join(dir, LockName))
	if err != nil {
		return fmt.Errorf("profile directory: %w; is it the one of a running \"covwrap run\"?", err)
	}
	defer unlock()
	names, err := list(dir)
	if err != nil {
		return err
	}
	ns := time.Now().UnixNano()
	for _, n := range names {
		if last, ok := markTime(n); ok && last >= ns {
			ns = last + 1
		}
	}
	if err := write(dir, fmt.Sprintf("%s%020d", MarkPrefix, ns), content); err != nil {
		return err
	}
	if names, err = list(dir); err != nil { // again: maps that appeared meanwhile
		return err
	}
	var errs []error
	for _, n := range names {
		if id, ok := strings.CutPrefix(n, mapPrefix); ok {
			suffix := fmt.Sprintf("%s.%020d", id, ns)
			if err := snapshot(dir, n, suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
				// Not there any more: ended and collected meanwhile.
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}

// markTime reads the time in the name of a mark.
func markTime(name string) (ns int64, ok bool) {
	s, ok := strings.CutPrefix(name, MarkPrefix)
	if !ok {
		return 0, false
	}
	ns, err := strconv.ParseInt(s, 10, 64)
	return ns, err == nil
}

func list(dir string) ([]string, error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	sort.Strings(names)
	return names, err
}

// write makes a file whole or not at all.
func write(dir, name, content string) error {
	f, err := os.CreateTemp(dir, "tmp."+name+".")
	if err != nil {
		return err
	}
	_, err = f.WriteString(content)
	if cerr := f.Chmod(0o666); err == nil {
		err = cerr
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(dir, name))
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}
