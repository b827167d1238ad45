package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/covwrap/covwrap/tools/covwrap/internal/atomicfile"
	"github.com/covwrap/covwrap/tools/covwrap/internal/gobuild"
	"github.com/covwrap/covwrap/tools/covwrap/internal/gocmd"
	"github.com/covwrap/covwrap/tools/covwrap/internal/runner"
	"github.com/covwrap/covwrap/tools/covwrap/internal/textprofile"
)

const goHelp = `Usage: covwrap go [COVWRAP FLAGS] build|install|run|test [GO FLAGS AND ARGUMENTS]

The go command, with coverage that survives every end of a process: what it
builds carries covwrap's runtime. -coverpkg, -covermode, -tags, -overlay,
GOFLAGS and all other flags of the go command mean what they always mean; other
subcommands of go are run as they are.

"covwrap go run" and "covwrap go test" also collect: test processes and all
that they start, as "covwrap run" does, whose flags (--lcov, --html, --json,
...) may stand before the subcommand. "covwrap go test -coverprofile F" writes
all of it to F. Tests run even if their result is cached (-count=1), since a
cached result starts no process; -count N on the command line wins.
`

// Go is "covwrap go".
func Go(args []string, stdio Stdio) int {
	n := 0
	for n < len(args) && strings.HasPrefix(args[n], "--") {
		switch args[n] {
		case "--help":
			fmt.Fprint(stdio.Out, goHelp)
			return exitOK
		}
		n++
		if n < len(args) && !strings.Contains(args[n-1], "=") && runFlagTakesValue(args[n-1]) {
			n++
		}
	}
	run, words := args[:n], args[n:]
	if len(words) == 0 {
		fmt.Fprint(stdio.Err, goHelp)
		return exitUsage
	}
	if words[0] == "-h" || words[0] == "-help" {
		fmt.Fprint(stdio.Out, goHelp)
		return exitOK
	}
	return goCommand(run, words, stdio)
}

// goCommand runs one go command.
func goCommand(run, words []string, stdio Stdio) int {
	f := &runFlags{}
	set := f.set()
	if err := set.Parse(run); err != nil {
		return goMisuse(err, stdio)
	}
	sub := gocmd.Parse(words).Sub
	collects := sub == "test" || sub == "run"
	below := getenvDir() != ""
	switch {
	case collects && below && len(run) > 0:
		return goMisuse(fmt.Errorf("%s: COVWRAP_DIR is set, so the \"covwrap run\" around this collects; give the flag to that", run[0]), stdio)
	case !collects && len(run) > 0:
		return goMisuse(fmt.Errorf("%s: \"go %s\" collects nothing, only \"go run\" and \"go test\" do", run[0], sub), stdio)
	}
	b, err := builder()
	if err != nil {
		return fail(stdio, "go", err)
	}
	if collects && !below {
		return goCollect(b, f, words, stdio)
	}
	c, err := plan(b, words, "", stdio)
	if err != nil {
		return fail(stdio, "go", err)
	}
	return become(c, stdio)
}

// goMisuse reports a command line that cannot be followed.
func goMisuse(err error, stdio Stdio) int {
	fmt.Fprintf(stdio.Err, "covwrap go: %v; \"covwrap go -h\" explains the command\n", err)
	return exitUsage
}

// plan makes the go command and prints what the user should know about it.
func plan(b *gobuild.Builder, words []string, goProfile string, stdio Stdio) (*gobuild.Command, error) {
	c, err := b.Plan(words, goProfile)
	if err == nil {
		for _, w := range c.Warnings {
			fmt.Fprintf(stdio.Err, "covwrap: warning: %s\n", w)
		}
	}
	return c, err
}

// become runs the go command in place of this process, where the system can.
func become(c *gobuild.Command, stdio Stdio) int {
	env := environment(c.Env)
	if stdio.Out == os.Stdout && stdio.Err == os.Stderr {
		if err := replace(c.Tool, append([]string{"go"}, c.Args...), env); !errors.Is(err, errors.ErrUnsupported) {
			return fail(stdio, "go", err)
		}
	}
	cmd := exec.Command(c.Tool, c.Args...)
	cmd.Env = env
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdio.In, stdio.Out, stdio.Err
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() >= 0 {
		return exit.ExitCode()
	}
	if err != nil {
		return fail(stdio, "go", err)
	}
	return exitOK
}

// environment is this process's with the variables set. None may come twice: a
// program may take the first as well as the last.
func environment(vars []string) []string {
	env := slices.DeleteFunc(os.Environ(), func(old string) bool {
		return slices.ContainsFunc(vars, func(v string) bool {
			name, _, _ := strings.Cut(v, "=")
			return strings.HasPrefix(old, name+"=")
		})
	})
	return append(env, vars...)
}

// goCollect runs "go run" or "go test" and collects what it started.
func goCollect(b *gobuild.Builder, f *runFlags, words []string, stdio Stdio) int {
	tmp, err := os.MkdirTemp("", "covwrap-go-")
	if err != nil {
		return fail(stdio, "go", err)
	}
	goProfile := filepath.Join(tmp, "go.out")
	c, err := plan(b, words, goProfile, stdio)
	if err != nil {
		os.RemoveAll(tmp)
		return fail(stdio, "go", err)
	}
	report, err := runner.Run(runner.Options{
		Path: c.Tool, Argv: append([]string{"go"}, c.Args...), Env: environment(c.Env),
		Grace: f.grace, ProfileDir: f.dir, KeepProfiles: f.gocoverdir != "", Profiles: f.gocoverdir,
		Names: resolver(f.root, stdio),
	})
	if err != nil {
		os.RemoveAll(tmp)
		return fail(stdio, "go", err)
	}
	ok := f.write(report, stdio.Err)
	if c.Profile != "" {
		if err := writeGoProfile(c.Profile, goProfile, report, stdio); err != nil {
			fail(stdio, "go", err)
			ok = false
		}
	}
	os.RemoveAll(tmp)
	return f.end(report, ok, stdio)
}

// writeGoProfile writes the file of -coverprofile: what go test's own profile
// has, which is also the packages that no test touched, raised to what all
// processes counted together. Packages that are none of the working tree (a
// test built and ran some other program for coverage) are left out, since
// "go tool cover" refuses a whole profile for one file that it does not find.
func writeGoProfile(file, goProfile string, r *runner.Report, stdio Stdio) error {
	theirs := &textprofile.Profile{}
	f, err := os.Open(goProfile)
	switch {
	case err == nil:
		theirs, err = textprofile.Read(goProfile, f)
		f.Close()
		if err != nil {
			return err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	mode := theirs.Mode
	if mode == "" {
		mode = r.Mode().String()
	}
	if theirs.Mode == "" && len(r.Packages) == 0 {
		return nil // nothing was built: go test would write nothing either
	}
	foreign := map[string]bool{}
	for _, n := range r.NotFound {
		foreign[n] = true
	}
	ours, dropped := profileOf(r.Packages, mode, foreign)
	if dropped > 0 {
		fmt.Fprintf(stdio.Err, "covwrap: warning: %s of programs outside of this working tree left out of %s; --lcov has them [profile-foreign-source]\n",
			plural(dropped, "source file", "source files"), file)
	}
	before, all := theirs.Statements()
	if err := ours.AtLeast(theirs); err != nil {
		return err
	}
	ran, all2 := ours.Statements()
	if all > 0 && all2 > 0 {
		fmt.Fprintf(stdio.Err, "covwrap: coverage: %s of statements in all processes; go test by itself sees %s\n",
			percent(int(ran), int(all2)), percent(int(before), int(all)))
	}
	return atomicfile.Write(file, ours.Write)
}

// runFlagTakesValue reports whether a flag of "covwrap run" has its value in
// the next word.
func runFlagTakesValue(word string) bool {
	f := new(runFlags).set().Lookup(strings.TrimLeft(word, "-"))
	if f == nil {
		return false
	}
	b, ok := f.Value.(interface{ IsBoolFlag() bool })
	return !ok || !b.IsBoolFlag()
}
