// Package bazelcmd is the command lines that Bazel calls: covwrap's coverage
// output generator and report generator. They are apart from the other commands
// so that the programs for Bazel link, and start, no more than they need.
package bazelcmd

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/covwrap/covwrap/tools/covwrap/internal/merger"
	"github.com/covwrap/covwrap/tools/covwrap/internal/outputgenerator"
	"github.com/covwrap/covwrap/tools/covwrap/internal/progress"
	"github.com/covwrap/covwrap/tools/covwrap/internal/trouble"
)

// bazelFlags is the command line that Bazel gives to its coverage tools, and
// ours besides.
type bazelFlags struct {
	outputgenerator.Config
	strict  bool
	verbose bool
}

const bazelFlagsHelp = `
  --coverage_dir=DIR            merge the .dat, .gcov and .gcov.json.gz files under DIR
  --reports_file=FILE           merge the tracefiles that FILE lists, one a line
  --output_file=FILE            where the merged tracefile goes (required)
  --filter_sources=REGEX        leave out source files whose whole name matches (repeatable)
  --source_file_manifest=FILE   keep only the source files that FILE lists
  --sources_to_replace_file=F   rename source files as the lines REPORTED:ACTUAL of F say
  --parse_parallelism=N         read N files at once (default: one per processor)
  --by_test                     keep the records of tests with different names (TN) apart
  --strict                      fail if any input was missing, broken or not understood

Unknown flags are reported and ignored. VERBOSE_COVERAGE=1 says what is read.
`

// The statuses that Bazel's own tools end with.
const (
	exitOK      = 0
	exitFailure = 1
)

// LcovMerger is "covwrap lcov-merger", what --coverage_output_generator runs
// after each test.
func LcovMerger(args []string, stdout, stderr io.Writer) int {
	f, status := parseBazelFlags("lcov-merger", "Merges what one test left in its coverage folder", args, stdout, stderr)
	if f == nil {
		return status
	}
	f.Notes = true
	_, status = f.run("covwrap lcov-merger", stderr)
	return status
}

// parseBazelFlags parses args; f is nil if status is to be returned at once.
// It does not use package flag, which stops at the first flag it does not
// know: a later Bazel may pass more of them.
func parseBazelFlags(command, short string, args []string, stdout, stderr io.Writer) (f *bazelFlags, status int) {
	f = &bazelFlags{verbose: os.Getenv("VERBOSE_COVERAGE") != ""}
	say := func(format string, a ...any) {
		fmt.Fprintf(stderr, "covwrap %s: %s\n", command, fmt.Sprintf(format, a...))
	}
	for i := 0; i < len(args); i++ {
		name, value, hasValue := strings.Cut(args[i], "=")
		switch name {
		case "-h", "-help", "--help":
			fmt.Fprintf(stdout, "Usage: covwrap %s --output_file=FILE [FLAGS]\n\n%s. Bazel calls it.\n%s", command, short, bazelFlagsHelp)
			return nil, exitOK
		case "--strict":
			f.strict = !hasValue || value != "false" && value != "0"
			continue
		case "--by_test":
			f.ByTest = !hasValue || value != "false" && value != "0"
			continue
		}
		set, known := f.setter(name)
		if !known {
			say("warning: %q is no flag that this version knows; ignored [unknown-flag]", args[i])
			continue
		}
		if !hasValue {
			if i++; i == len(args) {
				say("%s needs a value", name)
				return nil, exitFailure
			}
			value = args[i]
		}
		if err := set(value); err != nil {
			say("%s=%s: %v", name, value, err)
			return nil, exitFailure
		}
	}
	switch {
	case f.CoverageDir == "" && f.ReportsFile == "":
		say("neither --coverage_dir nor --reports_file says what to merge")
		return nil, exitFailure
	case f.OutputFile == "":
		say("--output_file is missing: where should the merged tracefile go?")
		return nil, exitFailure
	}
	return f, exitOK
}

// setter returns what sets a flag that takes a value.
func (f *bazelFlags) setter(name string) (set func(string) error, known bool) {
	text := func(to *string) (func(string) error, bool) {
		return func(s string) error { *to = s; return nil }, true
	}
	switch name {
	case "--coverage_dir":
		return text(&f.CoverageDir)
	case "--reports_file", "--lcovfile_path":
		return text(&f.ReportsFile)
	case "--output_file":
		return text(&f.OutputFile)
	case "--source_file_manifest":
		return text(&f.SourceManifest)
	case "--sources_to_replace_file":
		return text(&f.SourcesToReplace)
	case "--filter_sources":
		return func(s string) error { f.FilterSources = append(f.FilterSources, s); return nil }, true
	case "--parse_parallelism":
		return func(s string) error {
			n, err := strconv.Atoi(s)
			if err != nil || n < 1 || n > 1024 {
				return fmt.Errorf("expected a number from 1 to 1024")
			}
			f.Parallelism = n
			return nil
		}, true
	}
	return nil, false
}

// run merges and reports what was wrong to stderr.
func (f *bazelFlags) run(prefix string, stderr io.Writer) (outputgenerator.Result, int) {
	var log trouble.Log
	line := progress.New(stderr)
	f.Progress = func(s merger.Stats) { line.Update(s.Files, s.All, s.Bytes) }
	r, err := outputgenerator.Run(f.Config, &log)
	line.Done()
	if err != nil {
		fmt.Fprintf(stderr, "%s: %v\n", prefix, err)
		return r, exitFailure
	}
	log.Print(stderr, prefix)
	if f.verbose {
		f.explain(stderr, prefix, r)
	}
	if n := log.Count(); n > 0 && f.strict {
		fmt.Fprintf(stderr, "%s: --strict was given, and faults were found: %d, in %d of the files\n", prefix, n, log.Files())
		return r, exitFailure
	}
	return r, exitOK
}

// explain says what was done, for VERBOSE_COVERAGE.
func (f *bazelFlags) explain(w io.Writer, prefix string, r outputgenerator.Result) {
	switch {
	case r.Copied != "":
		fmt.Fprintf(w, "%s: copied %s to %s\n", prefix, r.Copied, f.OutputFile)
	case r.Empty:
		fmt.Fprintf(w, "%s: there was no coverage in %d files\n", prefix, r.Stats.Files)
	default:
		fmt.Fprintf(w, "%s: merged %d files (%d bytes) into the records of %d source files; %d were filtered out\n",
			prefix, r.Stats.Files, r.Stats.Bytes, r.Set.Len(), r.Removed)
	}
}
