package cli

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/covwrap/covwrap/tools/covwrap/internal/gobuild"
	"github.com/covwrap/covwrap/tools/covwrap/internal/gocmd"
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
	b, err := builder()
	if err != nil {
		return fail(stdio, "go", err)
	}
	return goCommand(b, run, words, stdio)
}

// goCommand runs one go command.
func goCommand(b *gobuild.Builder, run, words []string, stdio Stdio) int {
	line := gocmd.Parse(words)
	if line.Sub != "test" && line.Sub != "run" {
		c, err := b.Plan(words, "")
		if err != nil {
			return fail(stdio, "go", err)
		}
		if len(run) > 0 {
			fmt.Fprintf(stdio.Err, "covwrap go: %s: only \"run\" and \"test\" collect anything\n", run[0])
			return exitUsage
		}
		return become(b.Tool, c.Args, stdio)
	}
	return goCollect(b, run, words, stdio)
}

// become runs the go command in place of this process, where the system can.
func become(tool string, args []string, stdio Stdio) int {
	if stdio.Out == os.Stdout && stdio.Err == os.Stderr {
		if err := replace(tool, append([]string{"go"}, args...)); !errors.Is(err, errors.ErrUnsupported) {
			return fail(stdio, "go", err)
		}
	}
	cmd := exec.Command(tool, args...)
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

// TODO-F until run.go is there
func runFlagTakesValue(name string) bool { return true }

func goCollect(b *gobuild.Builder, run, words []string, stdio Stdio) int {
	c, err := b.Plan(words, "")
	if err != nil {
		return fail(stdio, "go", err)
	}
	return become(b.Tool, c.Args, stdio)
}
