package overlay

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// Tree makes, below parent, a Go tree that is goroot with the runtime in it,
// and returns its path, to be the environment variable GOROOT of a go command
// (with GOTOOLCHAIN=local). It is for what `go build -overlay` refuses: since
// Go 1.25 a GOROOT in the module cache, which is where every toolchain lies that
// the go command has fetched by itself; and for a build with an overlay of its
// own. The tree consists of symbolic links to goroot and of a few files. It is made
// once; its name depends on all that its content depends on. Errors as of
// Files, and of the file system.
func Tree(parent, goroot string) (tree string, err error) {
	files, err := Files(goroot)
	if err != nil {
		return "", err
	}
	if parent, err = filepath.Abs(parent); err != nil {
		return "", err
	}
	name, err := treeName(goroot, files)
	if err != nil {
		return "", err
	}
	tree = filepath.Join(parent, name)
	if _, err := os.Stat(tree); err == nil {
		return tree, nil
	}
	if err := os.MkdirAll(parent, 0o777); err != nil {
		return "", err
	}
	tmp, err := os.MkdirTemp(parent, "tmp-*")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tmp) // fails after the rename
	if err := os.Chmod(tmp, 0o777); err != nil {
		return "", err
	}
	if err := fill(tmp, goroot, files); err != nil {
		return "", err
	}
	if err := os.Rename(tmp, tree); err != nil {
		if _, serr := os.Stat(tree); serr == nil {
			return tree, nil // somebody else was faster
		}
		return "", err
	}
	return tree, nil
}

func treeName(goroot string, files map[string][]byte) (string, error) {
	version, err := os.ReadFile(filepath.Join(goroot, "VERSION"))
	if err != nil {
		return "", fmt.Errorf("covwrap needs a released version of Go: %w", err)
	}
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	sort.Strings(names)
	h := sha256.New()
	fmt.Fprintf(h, "%q %q\n", goroot, version)
	for _, name := range names {
		fmt.Fprintf(h, "%q %q\n", name, files[name])
	}
	first, _, _ := strings.Cut(string(version), "\n")
	return strings.TrimSpace(first) + "-" + hex.EncodeToString(h.Sum(nil))[:12], nil
}

// fill makes the tree in the empty folder tmp.
func fill(tmp, goroot string, files map[string][]byte) error {
	entries, err := os.ReadDir(goroot)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() == "src" {
			continue
		}
		if err := os.Symlink(filepath.Join(goroot, e.Name()), filepath.Join(tmp, e.Name())); err != nil {
			return err
		}
	}
	if err := fillSrc(filepath.Join(tmp, "src"), filepath.Join(goroot, "src")); err != nil {
		return err
	}
	for name, content := range files {
		to := filepath.Join(tmp, filepath.FromSlash(name))
		if err := os.Remove(to); err != nil && !os.IsNotExist(err) {
			return err
		}
		if err := os.WriteFile(to, content, 0o666); err != nil {
			return err
		}
	}
	return nil
}

// fillSrc makes real folders, since a package pattern does not descend into a
// link, with links to the source files in them. Other files are copied,
// as a link cannot be embedded.
func fillSrc(to, from string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		switch {
		case d.IsDir() && (rel == "cmd" || d.Name() == "testdata"):
			// Nothing in there is built by a user's pattern.
			if err := os.Symlink(path, target); err != nil {
				return err
			}
			return fs.SkipDir
		case d.IsDir():
			return os.Mkdir(target, 0o777)
		case isSource(d.Name()):
			return os.Symlink(path, target)
		default:
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			return os.WriteFile(target, content, 0o666)
		}
	})
}

func isSource(name string) bool {
	switch filepath.Ext(name) {
	case ".go", ".s", ".S", ".h", ".c", ".cc", ".syso":
		return true
	}
	return false
}
