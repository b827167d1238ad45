package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
)

// runUnit runs the Go module's own tests.
func runUnit(r *report) {
	_, err := r.command(r.root, nil, "go", "vet", "./...")
	r.check("vet", err)

	_, err = r.command(filepath.Join(r.root, "docs", "gen"), nil, "go", "test", ".")
	r.check("docs", err)

	stdout, err := r.command(r.root, nil, "go", "test", "-timeout=30m", "-json", "./...")
	r.goTests(stdout, err)
}

// goTests reads the events of `go test -json`: the outcome of each package that
// has tests, and of each test that failed.
func goTests(events io.Reader) (map[string]error, error) {
	outcomes := map[string]error{}
	output := map[string]string{}
	decoder := json.NewDecoder(events)
	for {
		var event struct{ Action, Package, ImportPath, Test, Output string }
		if err := decoder.Decode(&event); errors.Is(err, io.EOF) {
			return outcomes, nil
		} else if err != nil {
			return nil, fmt.Errorf("the output of go test -json: %w", err)
		}
		name := event.Package + event.ImportPath
		if event.Test != "" {
			name += "." + event.Test
		}
		switch event.Action {
		case "output", "build-output":
			output[name] += event.Output
		case "pass":
			if event.Test == "" {
				outcomes[name] = nil
			}
		case "fail", "build-fail":
			outcomes[name] = errors.New(tail(output[name], 60))
		}
	}
}

// runAnalysis runs all tests of the main module under Bazel.
func runAnalysis(r *report) {
	w := workspace{r, r.root}
	stdout, err := w.bazel(nil, "test", "--keep_going", "//...")
	outcomes := results(stdout)
	for _, label := range slices.Sorted(maps.Keys(outcomes)) {
		if outcomes[label] == "PASSED" {
			r.check(label, nil)
		} else {
			r.check(label, errors.New(outcomes[label]))
		}
	}
	if len(outcomes) == 0 && err == nil {
		err = errors.New("it ran no test")
	}
	if err != nil {
		r.check("bazel test", err)
	}
}
