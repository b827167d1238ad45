// Package runner is a whole run: a test under the launcher, its profile
// directory, collection, account, and the files that come of it.
//
// "covwrap run" is a thin layer of flags over it, the rules' launcher a thin
// layer of environment variables, and other commands call it directly.
package runner

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/covwrap/covwrap/tools/covwrap/internal/account"
	"github.com/covwrap/covwrap/tools/covwrap/internal/collect"
	"github.com/covwrap/covwrap/tools/covwrap/internal/covdata"
	"github.com/covwrap/covwrap/tools/covwrap/internal/launch"
	"github.com/covwrap/covwrap/tools/covwrap/internal/ledger"
	"github.com/covwrap/covwrap/tools/covwrap/internal/lines"
	"github.com/covwrap/covwrap/tools/covwrap/internal/profiles"
	"github.com/covwrap/covwrap/tools/covwrap/internal/scrub"
	"github.com/covwrap/covwrap/tools/covwrap/internal/tally"
)

// Options says what to run and what to keep.
type Options struct {
	Argv []string // the command; Argv[0] is looked up in PATH if Path is ""
	Path string   // its executable
	Env  []string // its environment; nil is the launcher's
	Dir  string   // its working directory; "" is the launcher's

	Temp         string        // where to make the profile directory; "" is the system's temporary folder
	ProfileDir   string        // an existing profile directory to use and to leave in place, instead
	Aggregate    string        // when processes count together: Off (or ""), Auto, On
	KeepProfiles bool          // keep the profile of every process
	Profiles     string        // where to: a folder
	Archive      bool          // Profiles is an archive (profiles.ArchiveName) instead
	Grace        time.Duration // for processes that outlive the test
	Grouped      bool          // who signals us signals our whole process group
	TimeLimit    time.Duration // what the test was given; 0 unknown
	EndBefore    time.Duration // end the test so long before TimeLimit; 0 never

	// Names finds the paths of source files that no process told, from Go's
	// names for them. A name that it leaves out loses its module path.
	Names func(names []string) map[string]string
	// Scrub takes the machine out of what the ledger says; nil does not.
	Scrub *scrub.Scrubber
	// Ledger holds what is known about the test beforehand.
	Ledger ledger.Ledger
	// Write is called with the report, and before that, if the test does not
	// end though it was told to or its time is nearly up, with preliminary ones.
	Write func(*Report)
}

// Report is what came of a run.
type Report struct {
	Status   launch.Status
	Ledger   *ledger.Ledger
	Packages []*tally.Package // sums per block
	Phases   []collect.Phase  // the same by phase; nil without marks
	Modes    []covdata.Mode   // of the binaries
	Files    []lines.File     // sums per line
	Log      []byte           // what covered processes and we ourselves noted
	NotFound []string         // source files whose path is not known
	// Name translates Go's name of a source file into its path.
	Name func(string) string
}

// DefaultGrace is how long processes may go on after the test. Counters do not
// need it, they survive SIGKILL; it is for what else the processes do.
const DefaultGrace = 2 * time.Second

// When processes of one executable count into one map instead of one each.
const (
	Off  = "off"
	On   = "on"   // as soon as the first one runs
	Auto = "auto" // when a thousand have ended, which is as many as profiles are kept of
)

// aggregateFrom is after how many processes that is.
var aggregateFrom = map[string]int{"": 0, Off: 0, On: 1, Auto: profiles.DefaultFiles}

// CheckAggregate says what is wrong with a value of Options.Aggregate.
func CheckAggregate(value string) error {
	if value != Off && value != On && value != Auto {
		return fmt.Errorf("%q is none of off, auto, on", value)
	}
	return nil
}

// StartError is a test that could not be started.
type StartError struct {
	Path string
	Err  error
}

func (e *StartError) Error() string { return fmt.Sprintf("cannot run %s: %v", e.Path, e.Err) }
func (e *StartError) Unwrap() error { return e.Err }

// Status is what a shell makes of a command that it cannot start.
func (e *StartError) Status() int {
	if errors.Is(e.Err, os.ErrNotExist) || errors.Is(e.Err, exec.ErrNotFound) {
		return 127
	}
	return 126
}

// Run runs a test. The error is a *StartError, or says why there is no profile
// directory; then the test was not run.
func Run(o Options) (*Report, error) {
	path, err := o.find()
	if err != nil {
		return nil, &StartError{o.Argv[0], err}
	}
	dir, temporary, err := o.profileDir()
	if err != nil {
		return nil, fmt.Errorf("no profile directory: %w", err)
	}
	if temporary {
		defer os.RemoveAll(dir)
	}
	var notes []string
	if err := launch.Publish(dir); err != nil {
		notes = append(notes, "children with an empty environment will not find the profile directory: "+err.Error())
	}
	if o.Scrub != nil {
		o.Scrub.Add(dir, "$"+launch.DirVar)
	}
	c := launch.Config{
		Path: path, Argv: o.Argv, Env: o.Env, Dir: o.Dir, Files: [3]*os.File{os.Stdin, os.Stdout, os.Stderr},
		Profile: dir, Grace: o.Grace, Grouped: o.Grouped, TimeLimit: o.TimeLimit, AggregateFrom: aggregateFrom[o.Aggregate],
	}
	if c.Env == nil {
		c.Env = os.Environ()
	}
	if o.KeepProfiles && o.Profiles != "" {
		open := profiles.New
		if o.Archive {
			open = profiles.NewArchive
		}
		c.Keep = open(o.Profiles, profiles.DefaultBytes, profiles.DefaultFiles)
		if o.Scrub != nil {
			c.Keep.Text = o.Scrub.String
		}
	}
	o.limit(&c)
	if o.Write != nil {
		c.Late = func(out *launch.Outcome) { o.Write(o.report(out, notes)) }
	}
	out, err := launch.Run(c)
	if err != nil {
		return nil, &StartError{path, err}
	}
	if c.Keep != nil {
		if err := c.Keep.Close(); err != nil {
			notes = append(notes, "the profiles of single processes may not be complete: "+err.Error())
		}
	}
	r := o.report(out, notes)
	if out.OutOfTime && !r.Status.Failed() {
		r.Status.Code = timedOut
	}
	if o.Write != nil {
		o.Write(r)
	}
	return r, nil
}

// find returns the path of the executable.
func (o *Options) find() (string, error) {
	if o.Path != "" {
		return o.Path, nil
	}
	return exec.LookPath(o.Argv[0])
}

// profileDir returns the profile directory, and whether it is to be removed.
func (o *Options) profileDir() (dir string, temporary bool, err error) {
	if o.ProfileDir != "" {
		if err := os.MkdirAll(o.ProfileDir, 0o777); err != nil {
			return "", false, err
		}
		dir, err := filepath.EvalSymlinks(o.ProfileDir)
		if err != nil {
			return "", false, err
		}
		dir, err = filepath.Abs(dir)
		return dir, false, err
	}
	if dir := launch.Staged(); dir != "" {
		return dir, true, nil
	}
	parent := o.Temp
	if parent == "" {
		parent = os.TempDir()
	}
	dir, err = launch.MakeProfile(parent)
	return dir, true, err
}

// report makes the report of an outcome.
func (o *Options) report(out *launch.Outcome, notes []string) *Report {
	l := o.Ledger
	l.Command = o.Argv
	account.Build(&l, out, o.TimeLimit)
	r := &Report{Status: out.Status, Ledger: &l, Packages: out.Collected.Packages, Phases: out.Collected.Phases}
	for _, b := range out.Collected.Binaries {
		for m := covdata.ModeSet; m <= covdata.ModeAtomic; m++ {
			if b.Mode == m.String() {
				r.Modes = append(r.Modes, m)
			}
		}
	}
	names := o.names(out.Collected.Sources, r)
	var refused []error
	r.Name = func(n string) string { return names[n] }
	r.Files, refused = lines.Files(r.Packages, r.Name)
	for _, err := range refused {
		l.Trouble = append(l.Trouble, ledger.Trouble{Slug: "source-refused", Text: err.Error()})
	}
	o.scrub(&l)
	for _, n := range notes {
		r.Log = append(r.Log, n+"\n"...)
	}
	r.Log = append(r.Log, out.Collected.Log...)
	for _, t := range l.Trouble {
		r.Log = append(r.Log, t.Slug+": "+t.Text+"\n"...)
	}
	for _, m := range l.LeftOut {
		r.Log = append(r.Log, fmt.Sprintf("%s: pid %d %s: %s\n", m.Slug, m.PID, strings.Join(m.Argv, " "), m.Why)...)
	}
	return r
}

// names finds the path of every source file.
func (o *Options) names(told map[string]string, r *Report) map[string]string {
	names := map[string]string{}
	module := map[string]string{}
	var rest []string
	for _, p := range r.Packages {
		for _, f := range p.Funcs {
			if _, ok := names[f.File]; ok {
				continue
			}
			module[f.File] = p.Module
			names[f.File] = told[f.File]
			if names[f.File] == "" {
				rest = append(rest, f.File)
			}
		}
	}
	slices.Sort(rest)
	var found map[string]string
	if o.Names != nil && len(rest) > 0 {
		found = o.Names(rest)
	}
	for _, n := range rest {
		if names[n] = found[n]; names[n] == "" {
			names[n] = n
			if m := module[n]; m != "" && strings.HasPrefix(n, m+"/") {
				names[n] = n[len(m)+1:]
			}
			r.NotFound = append(r.NotFound, n)
		}
	}
	return names
}

// scrub takes the machine out of the ledger.
func (o *Options) scrub(l *ledger.Ledger) {
	s := o.Scrub
	if s == nil {
		return
	}
	l.Command = s.Strings(l.Command)
	for i := range l.Binaries {
		l.Binaries[i].Exe = s.Executable(l.Binaries[i].Exe)
	}
	// They are in the order of names that the ledger does not have.
	slices.SortFunc(l.Binaries, func(a, b ledger.Binary) int {
		return cmp.Or(cmp.Compare(a.Exe, b.Exe), cmp.Compare(a.Hash, b.Hash))
	})
	for i := range l.Children {
		c := &l.Children[i]
		c.Argv, c.Exe, c.Trouble = s.Strings(c.Argv), s.Executable(c.Exe), s.String(c.Trouble)
	}
	for i := range l.LeftOut {
		m := &l.LeftOut[i]
		m.Argv, m.Why = s.Strings(m.Argv), s.String(m.Why)
	}
	for i := range l.Trouble {
		l.Trouble[i].Text = s.String(l.Trouble[i].Text)
	}
}
