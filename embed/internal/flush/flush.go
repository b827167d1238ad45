package flush

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/coverage"
	"sync"
	"sync/atomic"
	"time"

	"github.com/covwrap/covwrap/embed/internal/rt"
)

var mu sync.Mutex

// turn says who writes the counters: 0 nobody, 1 a flush, 2 the exit of the
// process, for good. Package overlay puts the same variable into Go's exit code
// (another carrier cannot): without it a flush in the middle of which the
// program exits would be counted twice.
var turn uint32

// To writes what has been counted since the last call into dir:
// covmeta.<hash>, unless it is there, and covcounters.<hash>.<pid>.<ns>. It
// returns an error and changes nothing when that is impossible: before package
// main is initialised, or when dir cannot be written. It may be called by
// several goroutines.
func To(dir string) error {
	mu.Lock()
	defer mu.Unlock()
	if !atomic.CompareAndSwapUint32(&turn, 0, 1) {
		return nil // the exit writes all there is
	}
	defer atomic.StoreUint32(&turn, 0)
	var meta bytes.Buffer
	if err := coverage.WriteMeta(&meta); err != nil {
		return err
	}
	const hashOff = 24 // coverage.MetaFileHeader
	var hash [16]byte
	if copy(hash[:], meta.Bytes()[min(hashOff, meta.Len()):]) < len(hash) {
		return errors.New("meta-data: Go wrote less than its header")
	}
	name := filepath.Join(dir, fmt.Sprintf("covmeta.%x", hash))
	if _, err := os.Stat(name); err != nil {
		if err := write(name, meta.Bytes()); err != nil {
			return err
		}
	}
	fs := snapshot(rt.Counters())
	if len(fs) == 0 {
		return nil
	}
	name = filepath.Join(dir, fmt.Sprintf("covcounters.%x.%d.%d", hash, os.Getpid(), time.Now().UnixNano()))
	if err := write(name, encode(hash, fs)); err != nil {
		return err
	}
	subtract(fs)
	return nil
}

// write makes a file that appears complete or not at all.
func write(name string, b []byte) error {
	tmp := filepath.Join(filepath.Dir(name), fmt.Sprintf("tmp.%s.%d", filepath.Base(name), os.Getpid()))
	err := os.WriteFile(tmp, b, 0o666)
	if err == nil {
		err = os.Rename(tmp, name)
	}
	if err != nil {
		os.Remove(tmp)
	}
	return err
}
