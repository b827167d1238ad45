// Command lcov_merger is "covwrap lcov-merger" as a program of its own, for
// Bazel's --coverage_output_generator, which takes a label and no arguments.
package main

import (
	"os"

	"github.com/covwrap/covwrap/tools/covwrap/internal/cli"
)

func main() {
	os.Exit(cli.LcovMerger(os.Args[1:], cli.Stdio{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
}
