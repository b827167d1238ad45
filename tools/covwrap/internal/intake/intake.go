// Package intake reads what people name on covwrap's command line: tracefiles,
// gcov's reports, Go profiles in both forms, profile directories, a
// bazel-testlogs folder, a build event file, in any mix. What a file is, its
// content says, not its name.
package intake

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/covwrap/covwrap/tools/covwrap/internal/cover"
	"github.com/covwrap/covwrap/tools/covwrap/internal/fetch"
	"github.com/covwrap/covwrap/tools/covwrap/internal/merger"
	"github.com/covwrap/covwrap/tools/covwrap/internal/textprofile"
	"github.com/covwrap/covwrap/tools/covwrap/internal/trouble"
)

// Options says how to read.
type Options struct {
	// Blocks asks for Go's blocks (Coverage.Blocks and GoDirs) instead of
	// lines: inputs that have none are an error then.
	Blocks bool
	// Names translates Go's names of source files (import path and base name)
	// to paths. Nil leaves them.
	Names func(names []string) map[string]string
	// Merge is for the tracefiles.
	Merge merger.Options
	// Fetch is for what a build event file names and a remote cache has.
	Fetch fetch.Options
}

// Coverage is what was read.
type Coverage struct {
	Set *cover.Set
	// Blocks is the sum of all Go profiles, with Options.Blocks.
	Blocks *textprofile.Profile
	// GoDirs are folders in Go's GOCOVERDIR format, one sum per binary, with
	// Options.Blocks. They are gone after Close.
	GoDirs []string
	// Texts are the Go text profiles among the inputs.
	Texts []string
	Stats merger.Stats

	temp string // folder for what had to be unpacked
}

// Close removes what was unpacked.
func (c *Coverage) Close() error {
	if c.temp == "" {
		return nil
	}
	return os.RemoveAll(c.temp)
}

// Read reads the inputs at paths. What is wrong with one of several files goes
// to log; the error says that a path is not there or is nothing that can be
// read.
func Read(paths []string, opt Options, log *trouble.Log) (*Coverage, error) {
	c := &Coverage{Set: cover.NewSet(), Blocks: &textprofile.Profile{}}
	s := sorter{log: log, opt: opt, c: c}
	for _, path := range paths {
		if err := s.path(path); err != nil {
			c.Close()
			return nil, err
		}
	}
	if opt.Blocks && len(s.lines) > 0 {
		c.Close()
		return nil, fmt.Errorf("%s has lines but not Go's blocks; this format can only be made from Go profiles", s.lines[0].Path)
	}
	c.Texts = s.texts
	if err := c.readGo(s.goDirs, opt, log); err != nil {
		c.Close()
		return nil, err
	}
	if !opt.Blocks {
		n := merger.Merge(s.lines, c.Set, log, opt.Merge)
		c.Stats.All, c.Stats.Files, c.Stats.Bytes = c.Stats.All+n.All, c.Stats.Files+n.Files, c.Stats.Bytes+n.Bytes
	}
	c.Stats.Files += len(s.texts) + len(s.goDirs)
	return c, nil
}

// Default is what a command reads if it is told nothing: the combined report
// of the last "bazel coverage", or a tracefile by one of the usual names.
func Default() (string, error) {
	names := []string{filepath.Join("bazel-out", "_coverage", "_coverage_report.dat"), "lcov.info", "coverage.lcov", "coverage.info", "coverage/lcov.info", "cover.out", "coverage.out"}
	for _, name := range names {
		if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
			return name, nil
		}
	}
	return "", errors.New("no input was named, and there is no report of \"bazel coverage --combined_report=lcov\" here; name a tracefile, a Go profile, a GOCOVERDIR or a bazel-testlogs folder")
}

// tempDir makes a folder for what has to be unpacked.
func (c *Coverage) tempDir() (string, error) {
	if c.temp == "" {
		dir, err := os.MkdirTemp("", "covwrap-")
		if err != nil {
			return "", err
		}
		c.temp = dir
	}
	return os.MkdirTemp(c.temp, "")
}

// sorter sorts inputs by how they are read.
type sorter struct {
	log    *trouble.Log
	opt    Options
	c      *Coverage
	lines  []merger.Input
	texts  []string
	goDirs []string
	found  bool // something in the present folder is coverage
}

// path sorts in one path that was named by a person.
func (s *sorter) path(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return s.folder(path)
	}
	kind, err := sniff(path)
	if err != nil {
		return err
	}
	switch kind {
	case kindGoBinary:
		return fmt.Errorf("%s is one file of a profile: name its folder, which has what belongs to it", path)
	case kindUnknown:
		return fmt.Errorf("%s is no tracefile, Go profile, gcov report or build event file", path)
	case kindEvents:
		return s.events(path)
	}
	return s.file(path, kind)
}

// file sorts in a file whose kind is known.
func (s *sorter) file(path string, kind kind) error {
	s.found = s.found || kind != kindUnknown
	switch kind {
	case kindEmpty:
		// "go test -coverprofile" and failed tests leave empty files.
	case kindTracefile:
		s.lines = append(s.lines, merger.Input{Path: path})
	case kindGcov:
		s.lines = append(s.lines, merger.Input{Path: path, Format: merger.GcovText})
	case kindGcovJSON:
		s.lines = append(s.lines, merger.Input{Path: path, Format: merger.GcovJSON})
	case kindGoText:
		s.texts = append(s.texts, path)
	case kindZip:
		return s.zip(path)
	case kindTar:
		return s.tar(path)
	}
	return nil
}

// addGoDir sorts in a folder of Go's counter files or of counter maps. One that
// is named twice, or lies in another that is named, counts once.
func (s *sorter) addGoDir(dir string) {
	if !slices.Contains(s.goDirs, dir) {
		s.goDirs = append(s.goDirs, dir)
	}
}
