package main

import (
	"os"
	"path/filepath"
	"strings"
)

// runParity compares covwrap's merger with Bazel's own, which is compiled from
// Debian's sources on first use. That needs Debian and a JDK.
func runParity(r *report) {
	cache, err := os.UserCacheDir()
	if err != nil {
		r.check("cache folder", err)
		return
	}
	path, err := r.command(r.root, nil, filepath.Join(r.root, "bench", "merge", "bazel-merger"), filepath.Join(cache, "covwrap", "bazel-merger"))
	r.check("Bazel's merger", err)
	if err != nil {
		return
	}
	_, err = r.command(r.root, []string{"COVWRAP_BAZEL_MERGER=" + strings.TrimSpace(path)}, "go", "test", "-count=1", "./bench/merge/parity")
	r.check("same results", err)
}
