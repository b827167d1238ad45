//go:build !linux

package phase

import (
	"os"
	"time"
)

// lock has nothing to protect here: counters come by flushes, and phases are
// told apart by the times of the marks alone.
func lock(name string, until time.Time) (unlock func(), err error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		return nil, err
	}
	return func() { f.Close() }, nil
}

// snapshot has no maps to read.
func snapshot(dir, name, suffix string) error { return nil }

// fits finds no limit that would end the process.
func fits(size int64) error { return nil }
