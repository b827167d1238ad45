//go:build covwrap_internal

package auto

import (
	"internal/coverage/cfile"
	"internal/runtime/exithook"
	"io"
	"sort"
	"strings"
	_ "unsafe" // for linkname

	_ "github.com/bazelbuild/rules_go/go/tools/bzltestutil"
	"github.com/bazelbuild/rules_go/go/tools/coverdata"

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
	fallback()
	if rt.NoFiles() {
		cfile.MarkProfileEmitted(true) // it would fail, and say so on stderr
	}
	if !rt.Mapped() {
		return
	}
	if testCoverageDir != "" {
		testCoverageDir = rt.Dir() + "/discard"
	}
	// Go's own emission: a file of meta-data at start, one of counters at exit,
	// and a warning on stderr when GOCOVERDIR is not set.
	cfile.MarkProfileEmitted(true)
	// Hooks run in reverse order, the first one only on success.
	exithook.Add(exithook.Hook{F: func() { rt.Exiting(false) }, RunOnFailure: true})
	exithook.Add(exithook.Hook{F: func() { rt.Exiting(true) }})
}

func ready(sources string) bool {
	if !rt.Mapped() {
		return false
	}
	// A program may itself call runtime/coverage.WriteMetaDir and the like,
	// which work only after Go has computed the hash of the meta-data. That was
	// part of the emission that is switched off; this is the one exported
	// function that does it and, its directory being missing, nothing else.
	cfile.ProcessCoverTestDir("", "", "set", "", io.Discard, nil)

	if hash := rt.Ready(); hash != "" {
		text := sourcePaths(sources)
		rt.WriteOnce("covsrc."+hash, len(text), func() []byte { return []byte(text) })
	}
	return true
}

// sourcePaths lists what rules_go alone knows: which file of the workspace is
// behind the name that the meta-data has. One line a file: the name in the
// meta-data, a tab, the path. What rules_go registered wins over a line of own.
func sourcePaths(own string) string {
	paths := make(map[string]string, len(coverdata.SrcPathMapping))
	for line := range strings.Lines(own) {
		if name, path, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t"); ok {
			paths[name] = path
		}
	}
	for name, path := range coverdata.SrcPathMapping {
		paths[name] = path
	}
	lines := make([]string, 0, len(paths))
	for name, path := range paths {
		lines = append(lines, name+"\t"+path+"\n")
	}
	sort.Strings(lines)
	return strings.Join(lines, "")
}
