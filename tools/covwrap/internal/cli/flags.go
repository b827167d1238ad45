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

// writeHelp writes usage, and the flags if there are any: those of a remote
// cache, which few ask for, last.
func writeHelp(f *flag.FlagSet, usage string, stdio Stdio) {
	fmt.Fprint(stdio.Out, usage)
	remote := flag.NewFlagSet("", flag.ContinueOnError)
	new(remoteFlags).add(remote)
	heading := "\nFlags:\n"
	for _, last := range []bool{false, true} {
		f.VisitAll(func(fl *flag.Flag) {
			if (remote.Lookup(fl.Name) != nil) == last {
				fmt.Fprint(stdio.Out, heading, describe(fl))
				heading = ""
			}
		})
		heading = "\nFlags for a remote cache, as Bazel has them:\n"
	}
}

// describe is what the help says about one flag, as all texts spell it:
// --name=VALUE, or -o VALUE.
func describe(f *flag.Flag) string {
	value, text := flag.UnquoteUsage(f)
	dashes, is := "--", "="
	if len(f.Name) == 1 {
		dashes, is = "-", " "
	}
	if value != "" {
		value = is + value
	}
	switch f.DefValue {
	case "", "0", "0s", "false":
	default:
		text += " (default: " + f.DefValue + ")"
	}
	return "  " + dashes + f.Name + value + "\n      " + text + "\n"
}

// misuse reports a command line that cannot be followed.
func misuse(f *flag.FlagSet, err error, stdio Stdio) int {
	fmt.Fprintf(stdio.Err, "%s: %v; \"%s -h\" explains the command\n", f.Name(), err, f.Name())
	return exitUsage
}
