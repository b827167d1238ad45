//go:build covwrap_internal

// Package bincov takes the place of rules_go's package of the same import path
// in a covered go_binary: rules_go generates a file of package main that calls
// AddExitHook. (rules_go lets the deps of a target override what it adds
// itself; see _dedup_archives in its go/private/context.bzl.)
package bincov

import (
	rulesgo "github.com/bazelbuild/rules_go/go/tools/bzltestutil/bincov"

	"github.com/covwrap/covwrap/embed/internal/rt"
)

// AddExitHook does nothing in a process with a counter map: rules_go would make
// a folder, change the environment, and spend 250 ms at exit on a tracefile
// that says less. Without a map, all is as rules_go does it, unless there is
// nowhere to write to.
func AddExitHook() {
	if !rt.Mapped() && !rt.NoFiles() {
		rulesgo.AddExitHook()
	}
}
