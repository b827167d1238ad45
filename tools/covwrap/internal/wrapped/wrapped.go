// Package wrapped is the launcher as the rules use it: told by environment
// variables what to run, silent, with no command line of its own. It stands
// before every test of a build that collects coverage, so that its programs
// link nothing that a test would have to wait for.
package wrapped

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/covwrap/covwrap/tools/covwrap/internal/launch"
	"github.com/covwrap/covwrap/tools/covwrap/internal/runner"
)

// Exit statuses when it is not the test that decides.
const (
	exitFailure = 1
	exitMissing = 3 // on_missing = "fail", and a covered process is not in the report
)

// Main runs the test that the rules put the launcher before, and reports false
// if they did not: then this is an ordinary command line. args has the
// program's name first; the rest is the test's.
func Main(args []string, stderr io.Writer) (status int, ok bool) {
	if os.Getenv(launch.TestVar) == "" {
		return 0, false
	}
	w := runner.FromEnvironment(os.Getenv, args[1:])
	if w.Coverage == "" {
		err := launch.Replace(w.Path, w.Argv, launch.Environ(os.Environ()))
		err = &runner.StartError{Path: w.Path, Err: err}
		fmt.Fprintf(stderr, "covwrap: %v\n", err)
		return err.(*runner.StartError).Status(), true
	}
	var tracefile string
	w.Write = func(r *runner.Report) {
		for _, b := range w.Bad {
			r.Note("bad-option", fmt.Sprintf("%s: %q is not understood", launch.OptionsVar, b))
		}
		var err error
		if tracefile == "" {
			tracefile, err = w.Tracefile()
		}
		if err == nil {
			err = r.WriteLCOV(tracefile)
		}
		if err != nil {
			r.Note("tracefile-not-written", err.Error())
		}
		if w.Outputs != "" {
			r.WriteOutputs(w.Outputs)
		}
	}
	r, err := runner.Run(w.Options)
	if err != nil {
		fmt.Fprintf(stderr, "covwrap: %v\n", err)
		var start *runner.StartError
		if errors.As(err, &start) {
			return start.Status(), true
		}
		// Coverage is lost, but not the test.
		err := launch.Replace(w.Path, w.Argv, launch.Environ(os.Environ()))
		fmt.Fprintf(stderr, "covwrap: %v\n", err)
		return exitFailure, true
	}
	if len(r.Ledger.LeftOut) > 0 && w.OnMissing != runner.Ignore {
		fmt.Fprintf(stderr, "covwrap: %s\n", r.Ledger.Summary())
		if w.OnMissing == runner.Fail && !r.Status.Failed() {
			return exitMissing, true
		}
	}
	if os.Getenv("VERBOSE_COVERAGE") != "" {
		fmt.Fprintf(stderr, "covwrap: %s; %s\n", r.Ledger.Summary(), filepath.Base(tracefile))
	}
	launch.EndAs(r.Status)
	return exitFailure, true
}
