package cli

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/covwrap/covwrap/tools/covwrap/internal/launch"
	"github.com/covwrap/covwrap/tools/covwrap/internal/live"
	"github.com/covwrap/covwrap/tools/covwrap/internal/runner"
)

const runUsage = `Usage: covwrap run [FLAGS] [--] COMMAND [ARGUMENTS]

Runs COMMAND and collects the coverage of every process below it, however it
ends. Ends as COMMAND ended: with its exit status, or by the same signal; 127 if
there is no such command, 126 if it cannot be run, 3 if --on-missing=fail and
a covered process left no counters.
`

// exitMissing is the status of "covwrap run --on-missing=fail" when the command
// succeeded but a covered process is not in the report.
const exitMissing = 3

// runFlags are the flags of "covwrap run".
type runFlags struct {
	lcov, profile, html, gocoverdir, json, dir, root, phases, onMissing, aggregate string

	grace               time.Duration
	keepProfiles, quiet bool
}

func (f *runFlags) set() *flag.FlagSet {
	s := newFlags("run")
	s.StringVar(&f.lcov, "lcov", "", "write a tracefile (LCOV) to `FILE`")
	s.StringVar(&f.profile, "profile", "", "write a Go coverage profile (text) to `FILE`")
	s.StringVar(&f.html, "html", "", "write pages for a browser into `FOLDER`, in place of an earlier report")
	s.StringVar(&f.gocoverdir, "gocoverdir", "", "keep the profile of every process in `FOLDER`, for \"go tool covdata\"")
	s.StringVar(&f.json, "json", "", "write the ledger, the list of all processes, to `FILE`")
	s.StringVar(&f.dir, "dir", "", "use `FOLDER` as the profile directory, and keep it")
	s.StringVar(&f.root, "root", "", "make file names of the tracefile relative to `FOLDER` (default: the current one)")
	s.StringVar(&f.phases, "phases", "", "write a tracefile and a Go coverage profile for each phase (\"covwrap mark\") into `FOLDER`")
	s.StringVar(&f.onMissing, "on-missing", runner.Warn, "`WHAT` to do when a covered process left no counters: ignore, warn or fail")
	s.StringVar(&f.aggregate, "aggregate", runner.Off, "`WHEN` processes of one executable count together, which takes one file for all of them and leaves no account of each: off, auto (once 1000 of them have ended) or on")
	s.DurationVar(&f.grace, "grace", runner.DefaultGrace, "how long processes that outlive COMMAND may go on")
	s.BoolVar(&f.keepProfiles, "keep-profiles", true, "with --gocoverdir: keep single processes apart; false keeps their sum")
	s.BoolVar(&f.quiet, "quiet", false, "print no summary")
	return s
}

// Run is "covwrap run".
func Run(args []string, stdio Stdio) int {
	f := &runFlags{}
	set := f.set()
	if status, done := parse(set, runUsage, args, stdio); done {
		return status
	}
	var err error
	switch {
	case set.NArg() == 0:
		err = errors.New("a command is missing")
	case runner.CheckAggregate(f.aggregate) != nil:
		err = fmt.Errorf("--aggregate=%w", runner.CheckAggregate(f.aggregate))
	case f.onMissing != runner.Ignore && f.onMissing != runner.Warn && f.onMissing != runner.Fail:
		err = fmt.Errorf("--on-missing=%q is none of ignore, warn, fail", f.onMissing)
	}
	if err != nil {
		return misuse(set, err, stdio)
	}
	r, err := runner.Run(runner.Options{
		Argv: set.Args(), Grace: f.grace, ProfileDir: f.dir, Aggregate: f.aggregate,
		KeepProfiles: f.gocoverdir != "", Profiles: f.gocoverdir, Names: resolver(f.root, stdio),
	})
	if err != nil {
		fmt.Fprintf(stdio.Err, "covwrap run: %v\n", err)
		var start *runner.StartError
		if errors.As(err, &start) {
			return start.Status()
		}
		return exitFailure
	}
	written := f.write(r, stdio.Err)
	if !f.quiet && r.Ledger.Covered == 0 {
		fmt.Fprintln(stdio.Err, "covwrap: warning: no program was built for coverage; build with \"covwrap go build\", or after eval \"$(covwrap env)\" [nothing-covered]")
	}
	return f.end(r, written, stdio)
}

// end says what came of a run and ends as its command ended. written is false
// if a file that was asked for could not be written.
func (f *runFlags) end(r *runner.Report, written bool, stdio Stdio) int {
	if !f.quiet {
		for _, p := range r.Phases {
			ran, all := live.Statements(p.Packages)
			fmt.Fprintf(stdio.Err, "covwrap: phase %s: %s of %d statements\n", runner.PhaseName(p), percent(ran, all), all)
		}
		writeRunSummary(stdio.Err, r)
	} else if f.onMissing != runner.Ignore && len(r.Ledger.LeftOut) > 0 {
		fmt.Fprintf(stdio.Err, "covwrap: %s\n", r.Ledger.Summary())
	}
	if !r.Status.Failed() {
		if f.onMissing == runner.Fail && len(r.Ledger.LeftOut) > 0 {
			return exitMissing
		}
		if !written {
			return exitFailure
		}
	}
	launch.EndAs(r.Status)
	return exitFailure
}

// write writes the files that were asked for, and reports whether all could be.
func (f *runFlags) write(r *runner.Report, errs io.Writer) bool {
	ok := true
	for _, out := range []struct {
		path  string
		write func(string) error
	}{{f.lcov, r.WriteLCOV}, {f.profile, r.WriteProfile}, {f.json, r.WriteLedger}, {f.phases, r.WritePhases}} {
		if out.path == "" {
			continue
		}
		if err := out.write(out.path); err != nil {
			fmt.Fprintf(errs, "covwrap run: %v\n", err)
			ok = false
		}
	}
	if f.html == "" {
		return ok
	}
	missing, err := r.WriteHTML(f.html, cmp.Or(f.root, "."))
	if err != nil {
		fmt.Fprintf(errs, "covwrap run: %v\n", err)
		return false
	}
	if len(missing) > 0 {
		fmt.Fprintf(errs, "covwrap run: warning: %s without source, first %s; they have counts only [source-not-found]\n", plural(len(missing), "page is", "pages are"), missing[0])
	}
	return ok
}
