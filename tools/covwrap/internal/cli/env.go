package cli

import (
	"fmt"
	"os"
	"strings"

	"github.com/covwrap/covwrap/embed/overlay"
	"github.com/covwrap/covwrap/tools/covwrap/internal/carrier"
	"github.com/covwrap/covwrap/tools/covwrap/internal/gobuild"
	"github.com/covwrap/covwrap/tools/covwrap/internal/gocmd"
)

const envHelp = `Usage: eval "$(covwrap env [--shell=sh|fish|powershell|cmd|plain] [GO FLAGS])"

Prints the settings, GOFLAGS above all, with which every "go build", "go install",
"go run" and "go test" of this shell builds programs that covwrap can read
whatever ends them. GOFLAGS's own flags stay; -coverpkg, -covermode and other
build flags may follow ("covwrap env -coverpkg=./..."). It counts for the Go
version that the current folder builds with.

  --shell=NAME   whose syntax to print; "plain" is NAME=value (default: sh)
`

// Env is "covwrap env".
func Env(args []string, stdio Stdio) int {
	shell := "sh"
	for len(args) > 0 {
		name, value, _ := strings.Cut(args[0], "=")
		switch name {
		case "-h", "-help", "--help":
			fmt.Fprint(stdio.Out, envHelp)
			return exitOK
		case "--shell":
			shell = value
			args = args[1:]
			continue
		}
		break
	}
	quote := shells[shell]
	if quote == nil {
		fmt.Fprintf(stdio.Err, "covwrap env: --shell=%s: not one of sh, fish, powershell, cmd, plain\n", shell)
		return exitUsage
	}
	for _, a := range args {
		if !strings.HasPrefix(a, "-") {
			fmt.Fprintf(stdio.Err, "covwrap env: %q is no flag; GOFLAGS takes flags of the form -name=value\n", a)
			return exitUsage
		}
	}
	b, err := builder()
	if err != nil {
		return fail(stdio, "env", err)
	}
	vars, err := b.Environment(".", args)
	if err != nil {
		return fail(stdio, "env", err)
	}
	for _, v := range vars {
		name, value, _ := strings.Cut(v, "=")
		fmt.Fprintln(stdio.Out, quote(name, value))
	}
	return exitOK
}

// shells spell the assignment of an exported variable.
var shells = map[string]func(name, value string) string{
	"sh":    func(n, v string) string { return "export " + n + "='" + strings.ReplaceAll(v, "'", `'\''`) + "'" },
	"fish":  func(n, v string) string { return "set -gx " + n + " '" + fishQuote.Replace(v) + "'" },
	"plain": func(n, v string) string { return n + "=" + v },
	"powershell": func(n, v string) string {
		return "$env:" + n + " = '" + strings.ReplaceAll(v, "'", "''") + "'"
	},
	"cmd": func(n, v string) string { return `set "` + n + "=" + strings.ReplaceAll(v, "%", "%%") + `"` },
}

// In fish's single quotes a backslash escapes itself and the quote.
var fishQuote = strings.NewReplacer(`\`, `\\`, `'`, `\'`)

// builder returns what makes go commands carry the runtime.
func builder() (*gobuild.Builder, error) {
	tool, err := gocmd.Tool()
	if err != nil {
		return nil, err
	}
	return &gobuild.Builder{Tool: tool, Cache: carrier.Cache(), Runtime: overlay.Files}, nil
}

// fail says why a command failed.
func fail(stdio Stdio, command string, err error) int {
	for _, line := range strings.Split(err.Error(), "\n") {
		fmt.Fprintf(stdio.Err, "covwrap %s: %s\n", command, line)
	}
	return exitFailure
}

// getenvDir returns the profile directory of the environment, "" if none.
func getenvDir() string { return os.Getenv("COVWRAP_DIR") }
