package cli

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"

	"github.com/covwrap/covwrap/tools/covwrap/internal/intake"
	"github.com/covwrap/covwrap/tools/covwrap/internal/merger"
	"github.com/covwrap/covwrap/tools/covwrap/internal/progress"
	"github.com/covwrap/covwrap/tools/covwrap/internal/trouble"
)

// exitBelow is the status of "check" and "diff" when coverage is less than what
// was asked for: different from a failure to find out.
const exitBelow = 4

const inputsHelp = `
Inputs, in any mix: tracefiles (LCOV), Go coverage profiles (text), GOCOVERDIR
folders, covwrap's profile directories and archives of profiles, gcov's reports,
a bazel-testlogs folder, a build event file, or a folder of any of these. Without
any, the report of the last "bazel coverage --combined_report=lcov" is read.
`

// reading is what the commands that read coverage have in common.
type reading struct {
	set    *flag.FlagSet
	usage  string
	root   string
	strict bool
	json   bool
	remote remoteFlags
}

// newReading makes the flags of a command; usage is its help, which the flags
// follow.
func newReading(name, usage string) *reading {
	r := &reading{set: newFlags(name), usage: usage}
	r.set.StringVar(&r.root, "root", "", "make the names of Go's source files relative to `FOLDER` (default: the current one)")
	r.set.BoolVar(&r.strict, "strict", false, "fail if anything was wrong with an input")
	r.remote.add(r.set)
	return r
}

// withJSON adds the flag --json.
func (r *reading) withJSON() *reading {
	r.set.BoolVar(&r.json, "json", false, "write JSON for programs instead of a table")
	return r
}

// parse parses the command line, flags and inputs in any order; done says that
// status is to be returned at once.
func (r *reading) parse(args []string, stdio Stdio) (inputs []string, status int, done bool) {
	for {
		err := r.set.Parse(args)
		switch {
		case errors.Is(err, flag.ErrHelp):
			writeHelp(r.set, r.usage+inputsHelp, stdio)
			return nil, exitOK, true
		case err != nil:
			return nil, r.misuse(stdio, err), true
		}
		rest := r.set.Args()
		if len(rest) == 0 {
			return inputs, exitOK, false
		}
		// Package flag stops at the first input. After "--" all are inputs.
		if n := len(args) - len(rest); n > 0 && args[n-1] == "--" {
			return append(inputs, rest...), exitOK, false
		}
		inputs, args = append(inputs, rest[0]), rest[1:]
	}
}

// misuse reports a command line that cannot be followed.
func (r *reading) misuse(stdio Stdio, err error) int {
	return misuse(r.set, err, stdio)
}

// fail reports a failure.
func (r *reading) fail(stdio Stdio, err error) int {
	fmt.Fprintf(stdio.Err, "%s: %v\n", r.set.Name(), err)
	return exitFailure
}

// read reads the inputs. If it returns no coverage, the status is to be
// returned. The caller closes the coverage.
func (r *reading) read(inputs []string, opt intake.Options, stdio Stdio) (*intake.Coverage, int) {
	if len(inputs) == 0 {
		name, err := intake.Default()
		if err != nil {
			return nil, r.fail(stdio, err)
		}
		inputs = []string{name}
	}
	var err error
	if opt.Fetch.Remote, err = r.remote.options(); err != nil {
		return nil, r.fail(stdio, err)
	}
	line := progress.New(stdio.Err)
	opt.Fetch.Progress = line.Update
	opt.Names = resolver(r.root, stdio)
	opt.Merge.Progress = func(s merger.Stats) { line.Update(s.Files, s.All, s.Bytes) }
	var log trouble.Log
	c, err := intake.Read(inputs, opt, &log)
	line.Done()
	log.Print(stdio.Err, r.set.Name())
	if err != nil {
		return nil, r.fail(stdio, err)
	}
	if n := log.Count(); n > 0 && r.strict {
		c.Close()
		return nil, r.fail(stdio, fmt.Errorf("--strict was given, and faults were found: %d, in %d of the files", n, log.Files()))
	}
	return c, exitOK
}

// writeJSON writes a value for programs.
func (r *reading) writeJSON(v any, stdio Stdio) error {
	e := json.NewEncoder(stdio.Out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
