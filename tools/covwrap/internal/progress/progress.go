// Package progress shows on a terminal how far a long job is.
package progress

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// IsTerminal tells whether w is a terminal that understands a carriage return.
func IsTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err != nil || !os.SameFile(info, null)
}

// Line is one line of progress that is written over again and again. It is
// silent for the first half second, and for good if w is no terminal.
type Line struct {
	mu    sync.Mutex
	w     io.Writer
	next  time.Time
	shown bool
}

// New returns a line on w.
func New(w io.Writer) *Line {
	if !IsTerminal(w) {
		return &Line{}
	}
	return &Line{w: w, next: time.Now().Add(500 * time.Millisecond)}
}

// Update shows the number of files of all and of bytes that are done.
func (l *Line) Update(files, all int, bytes int64) {
	if l.w == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if now.Before(l.next) {
		return
	}
	l.next, l.shown = now.Add(100*time.Millisecond), true
	fmt.Fprintf(l.w, "\r\x1b[K%d of %d files, %d MB", files, all, bytes/1e6)
}

// Done removes the line.
func (l *Line) Done() {
	if l.w == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.shown {
		fmt.Fprint(l.w, "\r\x1b[K")
	}
	l.next = time.Now().Add(time.Hour)
}
