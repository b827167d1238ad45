// Package outputgenerator does the work of Bazel's CoverageOutputGenerator,
// the program behind --coverage_output_generator and
// --coverage_report_generator: it turns what a test left in its coverage
// folder, or the tracefiles of all tests, into one tracefile.
// docs/merge.md lists where it differs from Bazel's own, and why.
package outputgenerator

import (
	"fmt"
	"io"
	"os"

	"github.com/covwrap/covwrap/tools/covwrap/internal/atomicfile"
	"github.com/covwrap/covwrap/tools/covwrap/internal/cover"
	"github.com/covwrap/covwrap/tools/covwrap/internal/lcov"
	"github.com/covwrap/covwrap/tools/covwrap/internal/merger"
	"github.com/covwrap/covwrap/tools/covwrap/internal/trouble"
)

// Config is what Bazel's command line says.
type Config struct {
	CoverageDir      string   // folder to search for .dat, .gcov, .gcov.json.gz, .profdata
	ReportsFile      string   // file that lists tracefiles; wins over CoverageDir for those
	OutputFile       string   // where the result goes
	FilterSources    []string // regular expressions of source files to leave out
	SourceManifest   string   // file that lists the source files to keep
	SourcesToReplace string   // file of reported:actual names
	Parallelism      int      // 0: one per processor
	ByTest           bool     // keep the records of differently named tests apart
	Notes            bool     // write the launcher's notes into the result
	Progress         func(merger.Stats)
}

// Result is what was done.
type Result struct {
	Set   *cover.Set
	Stats merger.Stats
	// Removed is the number of source files that the manifest and the filters
	// left out.
	Removed int
	// Copied is the profile that was copied to the output since there was
	// nothing else.
	Copied string
	// Empty says that there was no coverage; the output is there but empty.
	Empty bool
	// Placeless is the number of functions left out for want of a line.
	Placeless int
}

// Run merges. Faults of inputs go to log; the error is of the output, or of a
// configuration that cannot be followed.
func Run(c Config, log *trouble.Log) (Result, error) {
	filters, err := compileFilters(c.FilterSources)
	if err != nil {
		return Result{}, err
	}
	inputs, profdata, err := find(c, log)
	if err != nil {
		return Result{}, err
	}
	r := Result{Set: cover.NewSet()}
	r.Stats = merger.Merge(inputs, r.Set, log, merger.Options{Parallelism: c.Parallelism, ByTest: c.ByTest, Progress: c.Progress})
	if c.SourcesToReplace != "" {
		replaceSources(r.Set, c.SourcesToReplace, log)
	}
	if len(profdata) > 0 {
		done, err := copyProfile(c, &r, profdata, log)
		if done || err != nil {
			return r, err
		}
	}
	read := r.Set.Len()
	if len(filters) > 0 {
		r.Set.Keep(func(name string) bool { return !filters.match(name) })
	}
	if c.SourceManifest != "" {
		keepListed(r.Set, c.SourceManifest, log)
	}
	r.Removed = read - r.Set.Len()
	if r.Set.Len() == 0 {
		r.Empty = true
		if read > 0 {
			log.Addf("no-coverage", c.OutputFile, "coverage of %d source files was read, but the instrumentation filter keeps none of them; see --instrumentation_filter and --instrument_test_targets", read)
		}
	}
	return r, write(c, &r, log)
}

// find lists the inputs.
func find(c Config, log *trouble.Log) ([]merger.Input, []string, error) {
	var found merger.Found
	if c.CoverageDir != "" {
		found = merger.Find(c.CoverageDir, c.OutputFile, log)
	}
	if c.ReportsFile == "" {
		return found.Inputs, found.Profdata, nil
	}
	listed, err := merger.Listed(c.ReportsFile)
	if err != nil {
		return nil, nil, fmt.Errorf("the list of tracefiles cannot be read: %w", err)
	}
	for _, in := range found.Inputs {
		if in.Format != merger.Tracefile {
			listed = append(listed, in)
		}
	}
	return listed, found.Profdata, nil
}

// copyProfile deals with LLVM profiles: a lone one is the result if there is
// nothing else, since that is what Bazel's users of LLVM get and convert
// themselves.
func copyProfile(c Config, r *Result, profdata []string, log *trouble.Log) (done bool, err error) {
	if r.Set.Len() > 0 || len(profdata) > 1 {
		for _, path := range profdata {
			log.Addf("profdata", path, "an LLVM profile cannot be merged with other coverage or profiles and was left out; let llvm-cov write LCOV (GENERATE_LLVM_LCOV=1)")
		}
		return false, nil
	}
	in, err := os.Open(profdata[0])
	if err != nil {
		log.Addf("unreadable", profdata[0], "%v", err)
		return false, nil
	}
	defer in.Close()
	r.Copied = profdata[0]
	return true, atomicfile.Write(c.OutputFile, func(w io.Writer) error {
		_, err := io.Copy(w, in)
		return err
	})
}

// write writes the result. An empty one leaves a file that exists as it is:
// whatever made it knew more than we do.
func write(c Config, r *Result, log *trouble.Log) error {
	notes := r.Set.Notes()
	if r.Empty && (!c.Notes || notes.Tests == 0) {
		if _, err := os.Stat(c.OutputFile); err == nil {
			return nil
		}
	}
	return atomicfile.Write(c.OutputFile, func(w io.Writer) error {
		placeless, err := lcov.Write(w, r.Set, lcov.WriteOptions{Notes: c.Notes})
		if placeless > 0 {
			log.Addf("function-without-line", c.OutputFile, "%d functions have a count (FNDA) but no line (FN) in any input and were left out", placeless)
		}
		r.Placeless = placeless
		return err
	})
}
