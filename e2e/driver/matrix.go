package main

import (
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// runMatrix runs e2e/matrix, a Go module of its own: every way for a process to
// end, in every place, for every kind of binary.
func runMatrix(r *report) {
	dir := filepath.Join(r.root, "e2e", "matrix")
	stdout, err := r.command(dir, nil, "go", "test", "-count=1", "-json", "-timeout=20m", "./...")
	outcomes, broken := goTests(strings.NewReader(stdout))
	if broken != nil {
		r.check("go test", broken)
		return
	}
	for _, name := range slices.Sorted(maps.Keys(outcomes)) {
		r.check(name, outcomes[name])
	}
	if err != nil && len(outcomes) == 0 {
		r.check("go test", errors.New(tail(err.Error(), 60)))
	}
}
