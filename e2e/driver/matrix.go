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
	for _, args := range [][]string{
		{"./..."},
		{"-run=^TestBazel$", ".", "-bazel"},
	} {
		stdout, err := r.command(dir, nil, "go", append([]string{"test", "-count=1", "-json", "-timeout=20m"}, args...)...)
		outcomes, broken := goTests(strings.NewReader(stdout))
		if broken == nil && err != nil && len(outcomes) == 0 {
			broken = errors.New(tail(err.Error(), 60))
		}
		if broken != nil {
			r.check("go test "+strings.Join(args, " "), broken)
		}
		for _, name := range slices.Sorted(maps.Keys(outcomes)) {
			r.check(name+" "+strings.Join(args[1:], " "), outcomes[name])
		}
	}
}
