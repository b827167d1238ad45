package cli

import (
	"flag"
	"fmt"
	"io"
)

// newFlags makes the flags of a command; parse and misuse say what is to be
// said about them.
func newFlags(command string) *flag.FlagSet {
	f := flag.NewFlagSet("covwrap "+command, flag.ContinueOnError)
	f.SetOutput(io.Discard)
	return f
}

// parse parses args; done is true if status is to be returned at once: help was
// asked for and written, usage and then the flags, or a flag is wrong.
func parse(f *flag.FlagSet, usage string, args []string, stdio Stdio) (status int, done bool) {
	switch err := f.Parse(args); err {
	case nil:
		return exitOK, false
	case flag.ErrHelp:
		writeHelp(f, usage, stdio)
		return exitOK, true
	default:
		return misuse(f, err, stdio), true
	}
}

// writeHelp writes usage, and the flags if there are any.
func writeHelp(f *flag.FlagSet, usage string, stdio Stdio) {
	fmt.Fprint(stdio.Out, usage)
	any := false
	f.VisitAll(func(*flag.Flag) { any = true })
	if any {
		fmt.Fprint(stdio.Out, "\nFlags:\n")
		f.SetOutput(stdio.Out)
		f.PrintDefaults()
	}
}

// misuse reports a command line that cannot be followed.
func misuse(f *flag.FlagSet, err error, stdio Stdio) int {
	fmt.Fprintf(stdio.Err, "%s: %v; \"%s -h\" explains the command\n", f.Name(), err, f.Name())
	return exitUsage
}
