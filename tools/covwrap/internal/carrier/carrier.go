// Package carrier prepares what carries covwrap's runtime into binaries that a
// plain go command builds: an overlay file (go help build, "-overlay") that
// adds the runtime to the standard library's coverage package, and leaves
// every file of the user's and of GOROOT as it is.
//
// Overlays lie in the user's cache folder, one folder for each content:
//
//	<cache>/covwrap/overlay/<Go version>-<hash>/
//	    overlay.json      {"Replace": {<file to be>: <file that is>, ...}}
//	    <name>.go ...     the runtime's files
//
// A folder appears under its name complete, by rename, and is never changed
// afterwards; so any number of callers may prepare the same one at once, and
// a build that started earlier keeps what it reads.
package carrier

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strconv"
)

// Files are the files to add to a Go installation: names relative to GOROOT
// with forward slashes ("src/internal/coverage/cfile/x.go"), and contents.
type Files map[string][]byte

// Overlay is the file format of the go command's -overlay flag.
type Overlay struct {
	Replace map[string]string
}

// Prepare makes sure that the overlay exists and returns the name of its JSON
// file. user, if not nil, is an overlay of the user's own, merged into it. For
// a file that both add, ours wins: without it there would be no coverage.
func Prepare(cache, goroot, version string, files Files, user *Overlay) (string, error) {
	if len(files) == 0 {
		return "", errors.New("no runtime to carry: the list of files is empty")
	}
	dir := filepath.Join(cache, "overlay", version+"-"+key(goroot, files, user))
	want := content(dir, goroot, files, user)
	if complete(dir, want) {
		return filepath.Join(dir, overlayName), nil
	}
	if err := install(dir, want); err != nil {
		return "", fmt.Errorf("the cache folder for overlays: %w; set XDG_CACHE_HOME (or HOME) to a folder that can be written", err)
	}
	return filepath.Join(dir, overlayName), nil
}

const overlayName = "overlay.json"

// Cache returns covwrap's folder in the user's cache folder. Where there is
// none (no HOME: a service, a container), a folder of this user's under the
// folder for temporary files takes its place.
func Cache() string {
	if dir, err := os.UserCacheDir(); err == nil && filepath.IsAbs(dir) {
		return filepath.Join(dir, "covwrap")
	}
	return filepath.Join(os.TempDir(), "covwrap-"+strconv.Itoa(os.Getuid()))
}

// Read reads a user's overlay file. Relative names in it are relative to dir,
// the folder that the go command runs in.
func Read(file, dir string) (*Overlay, error) {
	if !filepath.IsAbs(file) {
		file = filepath.Join(dir, file)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("-overlay: %w", err)
	}
	var raw Overlay
	if err := json.Unmarshal(data, &raw); err != nil {
		return nil, fmt.Errorf("-overlay: %s: %w; expected {\"Replace\": {\"file\": \"replacement\"}}", file, err)
	}
	o := &Overlay{Replace: map[string]string{}}
	for from, to := range raw.Replace {
		o.Replace[absolute(dir, from)] = absolute(dir, to)
	}
	return o, nil
}

// absolute makes a name of an overlay file absolute; an empty one, which says
// that the file is to vanish, stays empty.
func absolute(dir, name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(dir, name)
}

// key is the hash of everything that the folder's content depends on, apart
// from the folder's own name.
func key(goroot string, files Files, user *Overlay) string {
	h := sha256.New()
	fmt.Fprintf(h, "1 %q\n", goroot)
	for _, name := range names(files) {
		fmt.Fprintf(h, "%q %x\n", name, sha256.Sum256(files[name]))
	}
	if user != nil {
		data, _ := json.Marshal(user) // a map of strings: cannot fail; keys come out sorted
		h.Write(data)
	}
	return hex.EncodeToString(h.Sum(nil)[:10])
}

// content returns the folder's files by base name.
func content(dir, goroot string, files Files, user *Overlay) map[string][]byte {
	o := Overlay{Replace: map[string]string{}}
	if user != nil {
		for from, to := range user.Replace {
			o.Replace[from] = to
		}
	}
	want := map[string][]byte{}
	for i, name := range names(files) {
		// Two files of different packages may have one base name.
		base := fmt.Sprintf("%02d_%s", i, filepath.Base(filepath.FromSlash(name)))
		want[base] = files[name]
		o.Replace[filepath.Join(goroot, filepath.FromSlash(name))] = filepath.Join(dir, base)
	}
	data, _ := json.MarshalIndent(o, "", "\t") // a map of strings: cannot fail
	want[overlayName] = append(data, '\n')
	return want
}

func names(files Files) []string {
	list := make([]string, 0, len(files))
	for name := range files {
		list = append(list, name)
	}
	sort.Strings(list)
	return list
}

// complete reports whether the folder has exactly this content. The files are
// small; comparing them all costs less than explaining a build that failed
// because a cache cleaner took one of them.
func complete(dir string, want map[string][]byte) bool {
	for name, data := range want {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !bytes.Equal(got, data) {
			return false
		}
	}
	return true
}

// install writes the folder under a temporary name and renames it. If the name
// is taken, by a concurrent caller or by a damaged folder, its files are put in
// place one by one, each by rename, so that no reader sees half a file.
func install(dir string, want map[string][]byte) error {
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(parent, ".tmp-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	for name, data := range want {
		if err := os.WriteFile(filepath.Join(tmp, name), data, 0o644); err != nil {
			return err
		}
	}
	if err := os.Chmod(tmp, 0o755); err != nil {
		return err
	}
	err = os.Rename(tmp, dir)
	if err == nil || complete(dir, want) {
		return nil
	}
	if !errors.Is(err, fs.ErrExist) && !isDir(dir) {
		return err
	}
	for name := range want {
		if err := os.Rename(filepath.Join(tmp, name), filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

func isDir(name string) bool {
	fi, err := os.Stat(name)
	return err == nil && fi.IsDir()
}
