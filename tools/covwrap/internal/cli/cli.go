// Package cli is covwrap's command line: one file a command, each of which
// turns flags into a call of the package that does the work.
package cli

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strings"

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
	short string // one line for the list of commands
	run   func(args []string, stdio Stdio) int
}

// group is a part of the list of commands.
type group struct {
	title    string
	commands []command
}

// groups lists what a user can type, in the order of "covwrap help".
func groups() []group {
	return []group{
		{"Build, run and collect, without Bazel:", []command{
			{"go", "the go command, with programs whose coverage survives every end", Go},
			{"env", "print the GOFLAGS that make any build script do the same", Env},
			{"run", "run a command and collect the coverage of every process below it", Run},
		}},
		{"While programs run:", []command{
			{"snapshot", "show or save the coverage of running processes", Snapshot},
			{"watch", "show what running processes cover, as they do", Watch},
			{"mark", "begin a phase, which is also reported by itself", MarkPhase},
			{"reset", "drop what was counted so far", Reset},
		}},
		{"Read coverage, of Bazel's tests and of anything else:", []command{
			{"summary", "show how much of the code was covered", Summary},
			{"report", "write pages for a browser", Report},
			{"check", "check coverage against minimums", Check},
			{"diff", "show how much of what changed is covered", Diff},
			{"merge", "add up coverage and write it as LCOV, Cobertura, JSON or Go's", Merge},
			{"fetch", "bring what a build's tests left in a remote cache", Fetch},
		}},
		{"Called by Bazel:", []command{
			{"lcov-merger", "merge one test's coverage", LcovMerger},
			{"report-generator", "merge all tests' coverage and sum it up", ReportGenerator},
		}},
		{"About covwrap:", []command{
			{"help", "explain a command", Help},
			{"version", "print the version", Version},
		}},
	}
}

// find returns the command of that name.
func find(name string) (command, bool) {
	for _, g := range groups() {
		for _, c := range g.commands {
			if c.name == name {
				return c, true
			}
		}
	}
	return command{}, false
}

// Main runs the command that args (with the program's name first) ask for and
// returns the exit status.
func Main(args []string, stdio Stdio) int {
	if status, ok := wrapped.Main(args, stdio.Err); ok {
		return status
	}
	if len(args) < 2 {
		list(stdio.Err)
		return exitUsage
	}
	name := args[1]
	switch name {
	case "-h", "-help", "--help":
		name = "help"
	case "-version", "--version":
		name = "version"
	}
	c, ok := find(name)
	if !ok {
		return unknown(name, stdio)
	}
	return c.run(args[2:], stdio)
}

// Help is "covwrap help": all commands, or one.
func Help(args []string, stdio Stdio) int {
	if len(args) == 0 || strings.HasPrefix(args[0], "-") || args[0] == "help" {
		list(stdio.Out)
		return exitOK
	}
	c, ok := find(args[0])
	if !ok {
		return unknown(args[0], stdio)
	}
	return c.run([]string{"-h"}, stdio)
}

// list writes the list of commands.
func list(w io.Writer) {
	fmt.Fprint(w, "covwrap measures the coverage of everything that a test runs.\n\nUsage: covwrap COMMAND [ARGUMENTS]\n")
	for _, g := range groups() {
		fmt.Fprintf(w, "\n%s\n", g.title)
		for _, c := range g.commands {
			fmt.Fprintf(w, "  %-16s %s\n", c.name, c.short)
		}
	}
	fmt.Fprint(w, "\n\"covwrap COMMAND -h\" explains one command.\n")
}

func unknown(name string, stdio Stdio) int {
	fmt.Fprintf(stdio.Err, "covwrap: unknown command %q; \"covwrap help\" lists the commands\n", name)
	return exitUsage
}

const versionHelp = `Usage: covwrap version

Prints the version of covwrap, as "go install" chose it, and of the Go that
built it. A build by Bazel or of a working tree has no version.
`

// Version is "covwrap version".
func Version(args []string, stdio Stdio) int {
	f := newFlags("version")
	if status, done := parse(f, versionHelp, args, stdio); done {
		return status
	}
	if f.NArg() != 0 {
		return misuse(f, fmt.Errorf("%q is one word too many", f.Arg(0)), stdio)
	}
	version := "(devel)"
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		version = info.Main.Version
	}
	fmt.Fprintf(stdio.Out, "covwrap %s %s %s/%s\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return exitOK
}
