package merger

import (
	"bufio"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/covwrap/covwrap/tools/covwrap/internal/trouble"
)

// Found is what lies in a coverage folder.
type Found struct {
	Inputs   []Input
	Profdata []string // LLVM's indexed profiles, which cannot be merged here
}

// Find lists the coverage files under a folder by their extensions, as Bazel's
// own merger does, in order of path. The file at output is not an input even if
// it lies there: it is what an earlier run left, and would count twice.
func Find(dir, output string, log *trouble.Log) Found {
	var found Found
	out, _ := os.Stat(output)
	root := dir
	if resolved, err := filepath.EvalSymlinks(dir); err == nil {
		root = resolved
	}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			log.Addf("unreadable", path, "%v", err)
			if entry != nil && entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if entry.IsDir() {
			return nil
		}
		format := Tracefile
		switch name := entry.Name(); {
		case strings.HasSuffix(name, ".profdata"):
			found.Profdata = append(found.Profdata, path)
			return nil
		case strings.HasSuffix(name, ".gcov.json.gz"), strings.HasSuffix(name, ".gcov.json"):
			format = GcovJSON
		case strings.HasSuffix(name, ".gcov"):
			format = GcovText
		case !strings.HasSuffix(name, ".dat"):
			return nil
		}
		if out != nil {
			if info, err := os.Stat(path); err == nil && os.SameFile(info, out) {
				return nil
			}
		}
		found.Inputs = append(found.Inputs, Input{Path: path, Format: format})
		return nil
	})
	if err != nil {
		log.Addf("unreadable", dir, "%v", err)
	}
	sort.Slice(found.Inputs, func(i, j int) bool { return found.Inputs[i].Path < found.Inputs[j].Path })
	return found
}

// Listed reads a file that lists tracefiles, one path a line, as Bazel writes
// it for the combined report.
func Listed(path string) ([]Input, error) {
	lines, err := Lines(path)
	if err != nil {
		return nil, err
	}
	inputs := make([]Input, 0, len(lines))
	for _, line := range lines {
		in := Input{Path: line}
		if strings.HasSuffix(line, "baseline_coverage.dat") {
			in.Format = Baseline
		}
		inputs = append(inputs, in)
	}
	return inputs, nil
}

// Lines returns the lines of a file that are not empty.
func Lines(path string) ([]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var lines []string
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		if line := strings.TrimSuffix(s.Text(), "\r"); line != "" {
			lines = append(lines, line)
		}
	}
	return lines, s.Err()
}
