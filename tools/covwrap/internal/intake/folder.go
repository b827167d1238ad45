package intake

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/covwrap/covwrap/tools/covwrap/internal/merger"
	"github.com/covwrap/covwrap/tools/covwrap/internal/profiles"
)

// The names that Bazel gives to a test's tracefile, to what could have been
// covered, and to the folder where tests put what has not been merged yet.
const (
	testTracefile = "coverage.dat"
	baseline      = "baseline_coverage.dat"
	unmerged      = "_coverage"
)

// folder sorts in all that lies below a folder.
//
// A test that Bazel ran leaves its coverage up to three times: in pieces below
// _coverage, merged in coverage.dat, and, if it is Go's, as profiles in its
// undeclared outputs. One of them is taken: the merged tracefile, or the
// profiles where Go's blocks are wanted.
func (s *sorter) folder(dir string) error {
	root, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return err
	}
	s.found = false
	var files []string
	goDirs := map[string]bool{}
	testlogs := false
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			s.log.Addf("unreadable", path, "%v; it was left out", err)
			if entry != nil && entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		case entry.IsDir():
			if entry.Name() == unmerged && path != root {
				return fs.SkipDir
			}
			return nil
		case isGoFile(entry.Name()):
			goDirs[filepath.Dir(path)] = true
			return nil
		case entry.Name() == testTracefile:
			testlogs = true
		}
		files = append(files, path)
		return nil
	})
	if err != nil {
		return err
	}
	if len(goDirs) > 0 || testlogs {
		s.found = true
	}
	if testlogs {
		err = s.testlogs(files, goDirs)
	} else {
		err = s.anything(files, goDirs)
	}
	if err == nil && !s.found {
		err = fmt.Errorf("%s: no coverage was found in this folder", dir)
	}
	return err
}

// isGoFile tells whether a name is that of Go's or covwrap's own profile files.
func isGoFile(name string) bool {
	return strings.HasPrefix(name, "covmeta.") || strings.HasPrefix(name, "covcounters.") || strings.HasPrefix(name, "covmap.")
}

// testlogs sorts in the files of a bazel-testlogs folder.
func (s *sorter) testlogs(files []string, goDirs map[string]bool) error {
	if s.opt.Blocks {
		for dir := range goDirs {
			s.addGoDir(dir)
		}
	}
	for _, path := range files {
		switch name := filepath.Base(path); {
		case s.opt.Blocks && name == "outputs.zip":
			if err := s.zip(path); err != nil {
				return err
			}
		case s.opt.Blocks && name == profiles.ArchiveName:
			if err := s.tar(path); err != nil {
				return err
			}
		case s.opt.Blocks:
		case name == testTracefile:
			s.lines = append(s.lines, merger.Input{Path: path})
		case name == baseline:
			s.lines = append(s.lines, merger.Input{Path: path, Format: merger.Baseline})
		}
	}
	return nil
}

// anything sorts in whatever a folder has.
func (s *sorter) anything(files []string, goDirs map[string]bool) error {
	for dir := range goDirs {
		s.addGoDir(dir)
	}
	for _, path := range files {
		kind, err := sniff(path)
		if err != nil {
			s.log.Addf("unreadable", path, "%v; it was left out", err)
			continue
		}
		// A build event file in a folder is the record of some build, not of
		// this folder; and other archives and JSON are everywhere.
		if kind == kindEvents || kind == kindZip && filepath.Base(path) != "outputs.zip" ||
			kind == kindTar && filepath.Base(path) != profiles.ArchiveName ||
			kind == kindGcovJSON && !strings.Contains(filepath.Base(path), ".gcov.json") {
			continue
		}
		if kind == kindZip && !s.opt.Blocks && len(s.lines) > 0 {
			continue
		}
		if err := s.file(path, kind); err != nil {
			return err
		}
	}
	return nil
}
