package main

import (
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// runRemote runs e2e/remote, a Go module of its own: coverage on a real
// remote-execution engine.
func runRemote(r *report) {
	dir := filepath.Join(r.root, "e2e", "remote")
	stdout, err := r.command(dir, []string{"GOFLAGS="}, "go", "test", "-count=1", "-json", "-timeout=60m", ".")
	outcomes, broken := goTests(strings.NewReader(stdout))
	if broken != nil {
		r.check("go test", broken)
		return
	}
	for _, name := range slices.Sorted(maps.Keys(outcomes)) {
		r.check(name, outcomes[name])
	}
	if err != nil && !slices.ContainsFunc(slices.Collect(maps.Values(outcomes)), func(err error) bool { return err != nil }) {
		r.check("go test", errors.New(tail(err.Error(), 60))) // what is checked after the tests, such as that nothing is left
	}
}
