package intake

import (
	"archive/zip"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"

	"github.com/covwrap/covwrap/tools/covwrap/internal/profiles"
)

// Undeclared outputs are what a test wrote, so that nothing in a zip of them
// is trusted: neither sizes nor names.
const (
	maxUnzipped = 1 << 30
	maxEntries  = 100_000
)

// zip unpacks the profiles in a zip of undeclared outputs.
func (s *sorter) zip(name string) error {
	r, err := zip.OpenReader(name)
	if err != nil {
		s.log.Addf("unreadable", name, "%v; it was left out", err)
		return nil
	}
	defer r.Close()
	dirs := map[string]string{} // folder in the zip: folder it is unpacked to
	left := int64(maxUnzipped)
	for i, f := range r.File {
		packed := path.Base(f.Name) == profiles.ArchiveName
		if !packed && !isGoFile(path.Base(f.Name)) {
			continue
		}
		if left <= 0 || i >= maxEntries {
			s.log.Addf("too-large", name, "profiles of more than %d MB or in more than %d files; the others were left out", maxUnzipped>>20, maxEntries)
			break
		}
		if packed {
			in, err := f.Open()
			if err != nil {
				s.log.Addf("unreadable", name, "%s: %v; it was left out", f.Name, err)
				continue
			}
			n, err := s.unpack(name+": "+f.Name, in, left)
			in.Close()
			if err != nil {
				return err
			}
			left -= n
			continue
		}
		dir, ok := dirs[path.Dir(f.Name)]
		if !ok {
			if dir, err = s.c.tempDir(); err != nil {
				return err
			}
			dirs[path.Dir(f.Name)] = dir
			s.addGoDir(dir)
		}
		n, err := unzip(f, filepath.Join(dir, path.Base(f.Name)), left)
		if err != nil {
			s.log.Addf("unreadable", name, "%s: %v; it was left out", f.Name, err)
		}
		left -= n
	}
	return nil
}

// tar unpacks an archive of profiles.
func (s *sorter) tar(name string) error {
	f, err := os.Open(name)
	if err != nil {
		s.log.Addf("unreadable", name, "%v; it was left out", err)
		return nil
	}
	defer f.Close()
	_, err = s.unpack(name, f, maxUnzipped)
	return err
}

// unpack sorts in the profiles of an archive, and returns how many bytes they
// have.
func (s *sorter) unpack(name string, in io.Reader, most int64) (int64, error) {
	dir, err := s.c.tempDir()
	if err != nil {
		return 0, err
	}
	n, err := profiles.Unpack(in, dir, most)
	if err != nil {
		s.log.Addf("unreadable", name, "%v; what stood before was used", err)
	}
	if n > 0 {
		s.addGoDir(dir)
	} else if err == nil {
		s.log.Addf("unreadable", name, "there is no profile in this archive")
	}
	return n, nil
}

// unzip writes one file of a zip, if it is not larger than most.
func unzip(f *zip.File, to string, most int64) (int64, error) {
	in, err := f.Open()
	if err != nil {
		return 0, err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(out, io.LimitReader(in, most+1))
	if err == nil && n > most {
		err = fmt.Errorf("too large")
	}
	if e := out.Close(); err == nil {
		err = e
	}
	if err != nil {
		os.Remove(to)
	}
	return n, err
}
