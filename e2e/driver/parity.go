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

// runLcov compares covwrap's merger with lcov's, and has lcov and genhtml read
// its results. Both versions are unpacked from Debian's packages on first use.
func runLcov(r *report) {
	cache, err := os.UserCacheDir()
	if err != nil {
		r.check("cache folder", err)
		return
	}
	folders, err := r.command(r.root, nil, filepath.Join(r.root, "bench", "merge", "lcov"), filepath.Join(cache, "covwrap", "lcov"))
	r.check("lcov 1 and 2", err)
	if err != nil {
		return
	}
	list := strings.Join(strings.Fields(folders), string(os.PathListSeparator))
	_, err = r.command(r.root, []string{"COVWRAP_LCOV=" + list}, "go", "test", "-count=1", "-run=Lcov", "./bench/merge/parity")
	r.check("lcov adds the same and reads it", err)
}
