// Package atomicfile writes files that are either complete or not there: a
// reader never sees half of one, and a failure leaves the old one in place.
package atomicfile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Write calls write with a temporary file beside path and then gives that file
// path's name. A symbolic link at path is followed, so that it stays one. If
// path is not a regular file (a pipe, /dev/stdout), or its folder takes no new
// files, path is written directly.
func Write(path string, write func(io.Writer) error) (err error) {
	if resolved, err := filepath.EvalSymlinks(path); err == nil {
		path = resolved
	}
	mode := os.FileMode(0o666)
	info, err := os.Stat(path)
	if err == nil {
		if !info.Mode().IsRegular() {
			return direct(path, write)
		}
		mode = info.Mode().Perm()
	}
	tmp, err := create(path, mode)
	if err != nil {
		if info != nil && os.IsPermission(err) {
			return direct(path, write)
		}
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(tmp.Name())
		}
	}()
	if err := write(tmp); err != nil {
		tmp.Close()
		return err
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}

// create makes the temporary file. os.CreateTemp would make it private to the
// user, which the finished file should not be.
func create(path string, mode os.FileMode) (*os.File, error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".covwrap-*")
	if err != nil {
		var named *fs.PathError
		if errors.As(err, &named) {
			named.Path = path // the one that the user knows
		}
		return nil, err
	}
	name := f.Name()
	f.Close()
	os.Remove(name)
	return os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
}

// direct writes path in place.
func direct(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		return err
	}
	if err := write(f); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
