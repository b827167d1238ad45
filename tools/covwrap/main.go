// Command covwrap measures the coverage of everything that a test runs. See
// "covwrap help" for its commands and docs/how-it-works.md for the data path.
package main

import (
	"os"

	"github.com/covwrap/covwrap/tools/covwrap/internal/cli"
)

func main() {
	os.Exit(cli.Main(os.Args, cli.Stdio{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
}
