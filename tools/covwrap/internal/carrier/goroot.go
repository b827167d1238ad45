package carrier

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
)

// Goroot returns another name for a Go installation: a symbolic link in the
// cache folder. The go command (1.25 and newer) refuses overlays of files below
// the module cache, where it puts toolchains that it downloads; under the other
// name the same files are not below it.
func Goroot(cache, goroot, version string) (string, error) {
	sum := sha256.Sum256([]byte(goroot))
	link := filepath.Join(cache, "goroot", version+"-"+hex.EncodeToString(sum[:6]))
	if to, err := os.Readlink(link); err == nil && to == goroot {
		return link, nil
	}
	fail := func(err error) (string, error) {
		return "", fmt.Errorf("%s is in the module cache, where overlays are not allowed, and cannot be given another name: %w; install this Go version elsewhere, or set XDG_CACHE_HOME to a folder that can be written", goroot, err)
	}
	if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
		return fail(err)
	}
	// Made under a name of its own, then renamed: others may do the same now.
	dir, err := os.MkdirTemp(filepath.Dir(link), ".tmp-")
	if err != nil {
		return fail(err)
	}
	defer os.RemoveAll(dir)
	tmp := filepath.Join(dir, "link")
	if err := os.Symlink(goroot, tmp); err != nil {
		return fail(err)
	}
	if err := os.Rename(tmp, link); err != nil {
		return fail(err)
	}
	return link, nil
}
