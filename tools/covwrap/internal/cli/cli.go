// Package cli is covwrap's command line: one file a command, each of which
// turns flags into a call of the package that does the work.
package cli

import (
	"fmt"
	"io"
	"os"

	"github.com/covwrap/covwrap/tools/covwrap/internal/wrapped"
)

// Exit statuses that every command shares. Commands with a verdict of their
// own ("check", "diff") document theirs.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
)

// Stdio is the standard input and output of a command; files, since the
// launcher hands them on to the test unchanged.
type Stdio struct {
	In       *os.File
	Out, Err io.Writer
}

// command is one word after "covwrap".
type command struct {
	name  string // as typed
	usage string // what follows the name, one line
	short string // one line for the list of commands
	run   func(args []string, stdio Stdio) int
}

// commands lists what a user can type, in the order of "covwrap help".
func commands() []command {
	return []command{
		{"run", "[FLAGS] [--] COMMAND [ARGUMENTS]", "run a command and collect the coverage of every process below it", Run},
		{"go", "[FLAGS] build|install|run|test ...", "the go command, with programs whose coverage survives every end", Go},
		{"env", "[-coverpkg=...] ...", "print the GOFLAGS that make any build script do the same", Env},
		{"snapshot", "[FLAGS] [PID...]", "show or save the coverage of running processes", Snapshot},
		{"watch", "[FLAGS]", "show what running processes cover, as they do", Watch},
		{"mark", "NAME", "begin a phase, which is also reported by itself", MarkPhase},
		{"reset", "", "drop what was counted so far", Reset},
		{"fetch", "-o FOLDER BUILD_EVENT_FILE", "bring what a build's tests left in a remote cache", Fetch},
		{"merge", "[--format=FORMAT] [-o OUT] [INPUT...]", "add up coverage and write it as LCOV, Cobertura, JSON or Go's", Merge},
		{"summary", "[--by=package|file] [INPUT...]", "show how much of the code was covered", Summary},
		{"report", "--html=FOLDER [INPUT...]", "write pages for a browser", Report},
		{"check", "[--min-lines=N] ... [INPUT...]", "check coverage against minimums", Check},
		{"diff", "[--base=REVISION] [INPUT...]", "show how much of what changed is covered", Diff},
		{"lcov-merger", "--coverage_dir=DIR --output_file=FILE", "merge one test's coverage (Bazel calls it)", LcovMerger},
		{"report-generator", "--reports_file=FILE --output_file=FILE", "merge all tests' coverage and sum it up (Bazel calls it)", ReportGenerator},
	}
}

// Main runs the command that args (with the program's name first) ask for and
// returns the exit status.
func Main(args []string, stdio Stdio) int {
	if status, ok := wrapped.Main(args, stdio.Err); ok {
		return status
	}
	if len(args) < 2 {
		help(stdio.Err)
		return exitUsage
	}
	switch args[1] {
	case "help", "-h", "-help", "--help":
		help(stdio.Out)
		return exitOK
	}
	for _, c := range commands() {
		if c.name == args[1] {
			return c.run(args[2:], stdio)
		}
	}
	fmt.Fprintf(stdio.Err, "covwrap: unknown command %q; \"covwrap help\" lists the commands\n", args[1])
	return exitUsage
}

// help writes the list of commands.
func help(w io.Writer) {
	fmt.Fprint(w, "covwrap measures the coverage of everything that a test runs.\n\nUsage: covwrap COMMAND [ARGUMENTS]\n\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-16s %s\n", c.name, c.short)
	}
	fmt.Fprint(w, "\n\"covwrap COMMAND -h\" explains one command.\n")
}
