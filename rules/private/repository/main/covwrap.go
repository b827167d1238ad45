//go:build covwrap_internal

// This file joins package main of every covered go_binary and go_test when a
// repository is covered as a whole: see ../toolchain.bzl.
package main

import "github.com/bazelbuild/rules_go/go/tools/coverdata"

// The last of the package's files, so that this runs after what rules_go adds to
// the others.
func init() { coverdata.CovwrapReady() }
