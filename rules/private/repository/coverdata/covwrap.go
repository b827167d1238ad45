//go:build covwrap_internal

// This file joins rules_go's package coverdata, which every covered Go binary
// links, when a repository is covered as a whole: see ../toolchain.bzl.
package coverdata

import (
	"internal/coverage/cfile"
	"internal/runtime/exithook"
	"io"
	"sort"
	"strings"
	_ "unsafe" // for linkname

	_ "github.com/covwrap/covwrap/embed/internal/early"
	"github.com/covwrap/covwrap/embed/internal/rt"
)

// testCoverageDir is where a go_test leaves its own tracefile on a clean end.
// The process is read from its map; a second account of it would make counts
// double.
//
//go:linkname testCoverageDir github.com/bazelbuild/rules_go/go/tools/bzltestutil.coverageDir
var testCoverageDir string

func init() {
	if rt.NoFiles() {
		cfile.MarkProfileEmitted(true) // it would fail, and say so on stderr
	}
	if !rt.Mapped() {
		return
	}
	// Go's own emission: a file of meta-data at start, one of counters at exit,
	// and a warning on stderr when GOCOVERDIR is not set.
	cfile.MarkProfileEmitted(true)
	// Hooks run in reverse order, the first one only on success.
	exithook.Add(exithook.Hook{F: func() { rt.Exiting(false) }, RunOnFailure: true})
	exithook.Add(exithook.Hook{F: func() { rt.Exiting(true) }})
}

// CovwrapReady is called by package main, the last one to be initialised: all
// packages have registered their meta-data and where their files are.
func CovwrapReady() {
	if !rt.Mapped() {
		return
	}
	if testCoverageDir != "" {
		testCoverageDir = rt.Dir() + "/discard"
	}
	// A program may itself call runtime/coverage.WriteMetaDir and the like,
	// which work only after Go has computed the hash of the meta-data. That was
	// part of the emission that is switched off; this is the one exported
	// function that does it and, its directory being missing, nothing else.
	cfile.ProcessCoverTestDir("", "", "set", "", io.Discard, nil)

	if hash := rt.Ready(); hash != "" {
		text := sourcePaths()
		rt.WriteOnce("covsrc."+hash, len(text), func() []byte { return []byte(text) })
	}
}

// sourcePaths lists which file of the workspace is behind each name of the
// meta-data: one line a file, the name, a tab, the path.
func sourcePaths() string {
	lines := make([]string, 0, len(SrcPathMapping))
	for name, path := range SrcPathMapping {
		lines = append(lines, name+"\t"+path+"\n")
	}
	sort.Strings(lines)
	return strings.Join(lines, "")
}
