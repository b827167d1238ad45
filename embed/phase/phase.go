// Package phase marks phases in the life of the covered processes of one
// profile directory, so that reports can be split by phase ("before the
// failover", "after it") without ending a process.
//
// A mark leaves these files in the profile directory:
//
//	covmark.<ns>                    one line: "phase <name>" or "reset"
//	covsnap.<pid>.<start>.<ns>      counters of covmap.<pid>.<start> at the mark
//	covpart.<pid>.<start>.<ns>      counters taken out of it at the mark
//	covpart.<id>.<ns>               counters taken out of the aggregate map covagg.<id>
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
// From an aggregate map, into which many processes count, the counters are taken
// in any mode: then it also serves to keep them from running over (see Take).
//
// Reader: tools/covwrap/internal/phases.
//
// Package embed brings this one into programs under test, covered or not; so it
// imports nothing that package os does not import anyway (no fmt, no strings).
package phase

import (
	"errors"
	"os"
	"strconv"
	"time"
	"unicode/utf8"
)

// Names of the files above.
const (
	MarkPrefix = "covmark."
	SnapPrefix = "covsnap."
	PartPrefix = "covpart."
	mapPrefix  = "covmap."
	aggPrefix  = "covagg."
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
	if name == "" || name == "." || name == ".." || len(name) > maxName {
		return errors.New("phase name " + quote(name) + ": it must have 1 to " + strconv.Itoa(maxName) + " bytes and must not be \".\" or \"..\"")
	}
	bad := name[0] == '(' || !utf8.ValidString(name)
	for _, r := range name {
		switch {
		case r == '/', r == '\\', r == ',', r == ':', r < ' ', r >= 0x7f && r < 0xa0:
			bad = true
		}
	}
	if bad {
		return errors.New("phase name " + quote(name) + ": it must not begin with a parenthesis, and slashes, colons, commas and control characters cannot stand in it, since it becomes part of file names and tracefiles")
	}
	return nil
}

// quote shows a name in an error message, not all of a very long one.
func quote(name string) string {
	if len(name) > 2*maxName {
		name = name[:2*maxName]
	}
	return strconv.Quote(name)
}

// mark writes the mark, then takes the snapshots. A process that starts in
// between belongs to the new phase as a whole, by its start.
func mark(dir, content string) (err error) {
	if err := fits(int64(len(content))); err != nil {
		return err
	}
	unlock, err := lock(dir+"/"+LockName, time.Time{})
	if err != nil {
		return join("profile directory (is it the one of a running \"covwrap run\"?)", err)
	}
	defer unlock()
	at, err := now(dir)
	if err != nil {
		return err
	}
	if err := write(dir, MarkPrefix+at, content); err != nil {
		return err
	}
	names, err := list(dir) // after the mark: maps that appeared meanwhile
	if err != nil {
		return err
	}
	var errs []error
	for _, n := range names {
		id, ok := cutPrefix(n, mapPrefix)
		if !ok {
			id, ok = cutPrefix(n, aggPrefix)
		}
		if !ok {
			continue
		}
		if err := snapshot(dir, n, id+"."+at); err != nil && !errors.Is(err, os.ErrNotExist) {
			// Not there any more: ended and collected meanwhile.
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Take takes the counters out of an aggregate map, as a mark does, though no
// phase begins: so many processes count there that a counter could run over.
func Take(dir, name string) error {
	return Exclude(dir, func() error {
		at, err := now(dir)
		if err != nil {
			return err
		}
		id, _ := cutPrefix(name, aggPrefix)
		return snapshot(dir, name, id+"."+at)
	})
}

// ErrBusy is that a mark is being made, for longer than it should take.
var ErrBusy = errors.New("somebody else makes a mark")

// busy is how long a mark may take.
const busy = time.Second

// Exclude calls f while no mark is made in the profile directory. If one is
// being made all the time, by a process that was stopped in the middle of it, the
// error is ErrBusy.
func Exclude(dir string, f func() error) error {
	unlock, err := lock(dir+"/"+LockName, time.Now().Add(busy))
	if err != nil {
		return err
	}
	defer unlock()
	return f()
}

// now is the time for a mark or a snapshot, as in its name: later than all marks.
func now(dir string) (string, error) {
	names, err := list(dir)
	if err != nil {
		return "", err
	}
	ns := time.Now().UnixNano()
	for _, n := range names {
		if last, ok := markTime(n); ok && last >= ns {
			ns = last + 1
		}
	}
	at := strconv.FormatInt(ns, 10)
	for len(at) < 20 {
		at = "0" + at
	}
	return at, nil
}

// join puts a name before an error.
func join(name string, err error) error { return &os.PathError{Op: "mark", Path: name, Err: err} }

// markTime reads the time in the name of a mark.
func markTime(name string) (ns int64, ok bool) {
	s, ok := cutPrefix(name, MarkPrefix)
	if !ok {
		return 0, false
	}
	ns, err := strconv.ParseInt(s, 10, 64)
	return ns, err == nil
}

func cutPrefix(s, prefix string) (rest string, ok bool) {
	if len(s) < len(prefix) || s[:len(prefix)] != prefix {
		return "", false
	}
	return s[len(prefix):], true
}

func list(dir string) ([]string, error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.Readdirnames(-1)
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
		err = os.Rename(f.Name(), dir+"/"+name)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}
