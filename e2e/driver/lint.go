package main

import (
	"fmt"
	"path/filepath"
	"strings"
)

// The linters, at the versions whose opinion counts: a newer one may find more.
const (
	buildifier  = "github.com/bazelbuild/buildtools/buildifier@v0.0.0-20260904073137-eaa4d125b423"
	staticcheck = "honnef.co/go/tools/cmd/staticcheck@v0.8.2"
)

// runLint checks the form of what is committed.
func runLint(r *report) {
	files, err := r.command(r.root, nil, "git", "ls-files", "*.go", "*.bazel", "*.bzl")
	if err != nil {
		r.check("git", err)
		return
	}
	var source, starlark []string
	for _, file := range strings.Fields(files) {
		if filepath.Ext(file) == ".go" {
			source = append(source, file)
		} else {
			starlark = append(starlark, file)
		}
	}
	unformatted, err := r.quiet(r.root, "gofmt", append([]string{"-l"}, source...)...)
	if err == nil && unformatted != "" {
		err = fmt.Errorf("run gofmt -w on\n%s", unformatted)
	}
	r.check("gofmt", err)

	_, err = r.quiet(r.root, "go", append([]string{"run", buildifier, "-mode=check", "-lint=warn"}, starlark...)...)
	r.check("buildifier", err)

	_, err = r.command(r.root, nil, "go", "run", staticcheck, "./...")
	r.check("staticcheck", err)

	// A difference is an error of Gazelle's.
	_, err = workspace{r, r.root}.bazel(nil, "run", "//:gazelle", "--", "-mode=diff")
	r.check("gazelle", err)
}
