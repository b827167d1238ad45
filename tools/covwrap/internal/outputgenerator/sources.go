package outputgenerator

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/covwrap/covwrap/tools/covwrap/internal/cover"
	"github.com/covwrap/covwrap/tools/covwrap/internal/merger"
	"github.com/covwrap/covwrap/tools/covwrap/internal/trouble"
)

// filters are the expressions of --filter_sources, which must match a name as
// a whole.
type filters []*regexp.Regexp

// compileFilters compiles the expressions.
func compileFilters(exprs []string) (filters, error) {
	var fs filters
	for _, expr := range exprs {
		re, err := regexp.Compile("^(?:" + expr + ")$")
		if err != nil {
			return nil, fmt.Errorf("--filter_sources=%s is no regular expression (RE2 syntax, without look-around): %v", expr, err)
		}
		fs = append(fs, re)
	}
	return fs, nil
}

// match tells whether a name is to be left out.
func (fs filters) match(name string) bool {
	name, _ = cover.SplitName(name)
	for _, re := range fs {
		if re.MatchString(name) {
			return true
		}
	}
	return false
}

// keepListed drops what is not in the manifest of instrumented source files.
// The manifest also lists meta-data (.gcno, .em), which no record is named by.
// If the manifest cannot be read, all is kept: too much coverage is seen and
// mended, none at all is taken for the truth.
func keepListed(s *cover.Set, manifest string, log *trouble.Log) {
	lines, err := merger.Lines(manifest)
	if err != nil {
		log.Addf("manifest", manifest, "the manifest of instrumented files cannot be read (%v); nothing was filtered", err)
		return
	}
	listed := make(map[string]bool, len(lines))
	for _, line := range lines {
		if !strings.HasSuffix(line, ".gcno") && !strings.HasSuffix(line, ".em") {
			listed[line] = true
		}
	}
	s.Keep(func(name string) bool {
		source, _ := cover.SplitName(name)
		return listed[source]
	})
}

// replaceSources renames source files as the lines reported:actual of a file
// say.
func replaceSources(s *cover.Set, path string, log *trouble.Log) {
	lines, err := merger.Lines(path)
	if err != nil {
		log.Addf("manifest", path, "the list of sources to replace cannot be read (%v); nothing was replaced", err)
		return
	}
	actual := map[string]string{}
	for _, line := range lines {
		reported, to, ok := strings.Cut(line, ":")
		if !ok || to == "" || strings.Contains(to, ":") {
			log.Addf("manifest", path, "%q is not of the form reported:actual and was left out", line)
			continue
		}
		actual[reported] = to
	}
	s.Rename(func(name string) string {
		source, test := cover.SplitName(name)
		to, ok := actual[source]
		if !ok {
			return name
		}
		return cover.JoinName(to, test)
	})
}
