package fetch

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/covwrap/covwrap/tools/covwrap/internal/profiles"
)

// ours is the folder in the undeclared outputs that the launcher writes.
const ours = "covwrap/"

// maxUnzipped bounds what one attempt's archive may unfold to: real ones have
// a few megabytes, a hostile one a terabyte of zeros.
const maxUnzipped = 4 << 30

// unzip extracts the members below covwrap/ of an archive of size bytes to
// dir. Names that lead out of dir are refused.
func unzip(r io.ReaderAt, size int64, dir string) error {
	if size == 0 {
		return nil // what an attempt without undeclared outputs leaves
	}
	z, err := zip.NewReader(r, size)
	if err != nil {
		return fmt.Errorf("the archive of undeclared outputs: %w", err)
	}
	var total int64
	for _, member := range z.File {
		if !strings.HasPrefix(member.Name, ours) || strings.HasSuffix(member.Name, "/") || !member.Mode().IsRegular() {
			continue
		}
		if path.Clean(member.Name) != member.Name || !filepath.IsLocal(filepath.FromSlash(member.Name)) {
			return fmt.Errorf("the archive of undeclared outputs has a member %q", member.Name)
		}
		n, err := extract(member, filepath.Join(dir, filepath.FromSlash(member.Name)), maxUnzipped-total)
		if err != nil {
			return fmt.Errorf("%q in the archive of undeclared outputs: %w", member.Name, err)
		}
		total += n
	}
	return nil
}

// extract writes one member, at most limit bytes of it, to a file.
func extract(member *zip.File, to string, limit int64) (int64, error) {
	in, err := member.Open()
	if err != nil {
		return 0, err
	}
	defer in.Close()
	return put(to, in, limit)
}

// put writes a member to a file, and the profiles in an archive to the folder
// beside it.
func put(to string, in io.Reader, limit int64) (int64, error) {
	if filepath.Base(to) == profiles.ArchiveName {
		return profiles.Unpack(in, filepath.Join(filepath.Dir(to), "profiles"), limit)
	}
	return writeFile(to, in, limit)
}

// writeFile writes all of in to a new file, or fails if that is more than
// limit bytes.
func writeFile(to string, in io.Reader, limit int64) (int64, error) {
	if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
		return 0, err
	}
	out, err := os.Create(to)
	if err != nil {
		return 0, err
	}
	defer out.Close()
	n, err := io.Copy(out, io.LimitReader(in, limit+1))
	if err == nil && n > limit {
		err = fmt.Errorf("more than %d bytes altogether: this is not what covwrap writes", int64(maxUnzipped))
	}
	return n, errors.Join(err, out.Close())
}

// copyTree copies the regular files below from/covwrap to to/covwrap.
func copyTree(from, to string) error {
	root := filepath.Join(from, filepath.FromSlash(ours))
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		name, err := filepath.Rel(from, p)
		if err != nil {
			return err
		}
		in, err := os.Open(p)
		if err != nil {
			return err
		}
		defer in.Close()
		_, err = put(filepath.Join(to, name), in, maxUnzipped)
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		if _, gone := os.Stat(from); gone == nil {
			return nil // the folder is there and has nothing of ours
		}
	}
	return err
}
