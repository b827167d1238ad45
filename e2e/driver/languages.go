package main

import (
	"os"
	"path/filepath"
)

// runLanguages drives e2e/languages: Go, C++ and shell, merged without Java.
func runLanguages(r *report) {
	w := r.workspace("languages")
	defer w.shutdown()
	_, err := w.bazel(nil, "coverage", "//...")
	r.check("coverage", err)
	if err != nil {
		return
	}
	combined, err := os.ReadFile(filepath.Join(w.dir, "bazel-out", "_coverage", "_coverage_report.dat"))
	if err != nil {
		r.check("combined report", err)
		return
	}
	r.golden("combined report", string(combined), filepath.Join(w.dir, "expected", "combined.lcov"))
}
