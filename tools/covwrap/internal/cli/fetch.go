package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	"github.com/covwrap/covwrap/tools/covwrap/internal/bep"
	"github.com/covwrap/covwrap/tools/covwrap/internal/fetch"
	"github.com/covwrap/covwrap/tools/covwrap/internal/progress"
)

const fetchUsage = `Usage: covwrap fetch [FLAGS] -o FOLDER BUILD_EVENT_FILE

Brings what the tests of a build left, also what is only in the remote cache,
into FOLDER, one folder for each attempt of each test:

  PACKAGE/TARGET[/shard_N_run_N_attempt_N]/coverage.dat
                                          /test.outputs/covwrap/ledger.json
                                          /test.outputs/covwrap/profiles/

BUILD_EVENT_FILE is what --build_event_binary_file or --build_event_json_file of
that build wrote. Ends with 1 if something that the build had could not be had;
the rest is there.
`

// fetchFlags are the flags of "covwrap fetch".
type fetchFlags struct {
	out, what string
	jobs      int
	remote    remoteFlags
}

func (f *fetchFlags) set() *flag.FlagSet {
	s := newFlags("fetch")
	s.StringVar(&f.out, "o", "", "the `FOLDER`, which must not exist yet")
	s.StringVar(&f.what, "what", "coverage,profiles", "a `LIST` of coverage, profiles and log")
	s.IntVar(&f.jobs, "jobs", 0, "fetch for so many tests at once (default 16)")
	f.remote.add(s)
	return s
}

// options turns the flags into options.
func (f *fetchFlags) options() (fetch.Options, error) {
	opts := fetch.Options{Jobs: f.jobs}
	for _, word := range strings.Split(f.what, ",") {
		switch word {
		case "coverage":
			opts.Coverage = true
		case "profiles":
			opts.Profiles = true
		case "log":
			opts.Log = true
		default:
			return opts, fmt.Errorf("--what=%q: %q is none of coverage, profiles, log", f.what, word)
		}
	}
	return opts, nil
}

// Fetch is "covwrap fetch".
func Fetch(args []string, stdio Stdio) int {
	f := &fetchFlags{}
	set := f.set()
	if status, done := parse(set, fetchUsage, args, stdio); done {
		return status
	}
	opts, err := f.options()
	switch {
	case err != nil:
	case set.NArg() != 1:
		err = errors.New("one build event file is needed")
	case f.out == "":
		err = errors.New("-o FOLDER is missing")
	}
	if err != nil {
		return misuse(set, err, stdio)
	}
	failures, err := f.run(opts, set.Arg(0), stdio)
	if err != nil {
		fmt.Fprintf(stdio.Err, "covwrap fetch: %v\n", err)
		return exitFailure
	}
	if failures > 0 {
		fmt.Fprintf(stdio.Err, "covwrap fetch: %d tests are not complete\n", failures)
		return exitFailure
	}
	return exitOK
}

// run fetches and returns the number of attempts with something missing.
func (f *fetchFlags) run(opts fetch.Options, events string, stdio Stdio) (failures int, err error) {
	b, err := bep.ReadFile(events)
	if err != nil && !errors.Is(err, bep.ErrTruncated) {
		return 0, err
	}
	if err != nil {
		fmt.Fprintf(stdio.Err, "covwrap fetch: %v (slug events-truncated)\n", err)
	}
	if opts.Remote, err = f.remote.options(); err != nil {
		return 0, err
	}
	if err := os.MkdirAll(filepath.Dir(f.out), 0o777); err != nil {
		return 0, err
	}
	if err := os.Mkdir(f.out, 0o777); err != nil {
		return 0, err
	}
	// Beside where it will be: a rename must not cross file systems.
	opts.Dir = f.out
	line := progress.New(stdio.Err)
	defer line.Done()
	opts.Progress = line.Update
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err = fetch.Each(ctx, b, opts, func(a fetch.Attempt) error {
		if a.Err != nil {
			failures++
			line.Done()
			fmt.Fprintf(stdio.Err, "covwrap fetch: %v (slug remote-output)\n", a.Err)
		}
		return moveFiles(a.Dir, filepath.Join(f.out, a.Name))
	})
	if err != nil {
		os.Remove(f.out) // if nothing came: it stays otherwise
	}
	return failures, err
}

// moveFiles moves the files below from to the same places below to, which may
// exist: a target a:b has a folder in which that of a/b:c lies.
func moveFiles(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, name)
		if err := os.MkdirAll(filepath.Dir(target), 0o777); err != nil {
			return err
		}
		return os.Rename(path, target)
	})
}
