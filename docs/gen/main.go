// Command gen writes docs/rules.md: what rules/defs.bzl exports, from the
// docstrings and attributes in rules/private.
//
//	go run -C docs/gen .          (the test of this package says when that is due)
//
// It reads the Starlark files as text, not through Bazel's own extractor: that
// one wants documentation targets of every repository that rules_go loads from.
package main

import (
	"fmt"
	"os"
)

// These are relative to this package's folder, where "go run -C" and tests are.
const (
	defs   = "../../rules/defs.bzl"
	target = "../rules.md"
)

func main() {
	page, err := generate(defs)
	if err == nil {
		err = os.WriteFile(target, []byte(page), 0o666)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "docs/gen:", err)
		os.Exit(1)
	}
}
