package main

import (
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// goModule returns the run of a suite that is a Go module of its own, e2e/NAME:
// of these packages of it, all if none is named.
func goModule(name string, packages ...string) func(*report) {
	return func(r *report) {
		// The user's GOFLAGS are about other modules than this.
		args := []string{"test", "-count=1", "-json", "-timeout=60m", "./..."}
		if len(packages) > 0 {
			args = append(args[:len(args)-1], packages...)
		}
		stdout, err := r.command(filepath.Join(r.root, "e2e", name), []string{"GOFLAGS="}, "go", args...)
		r.goTests(stdout, err)
	}
}

// goTests counts what `go test -json` told on stdout, and how it ended: err.
func (r *report) goTests(stdout string, err error) {
	outcomes, broken := goTests(strings.NewReader(stdout))
	if broken != nil {
		r.check("go test", broken)
		return
	}
	failed := false
	for _, name := range slices.Sorted(maps.Keys(outcomes)) {
		r.check(name, outcomes[name])
		failed = failed || outcomes[name] != nil
	}
	if len(outcomes) == 0 && err == nil {
		err = errors.New("it ran no test")
	}
	if !failed && err != nil {
		r.check("go test", err) // such as what is checked after the tests
	}
}
