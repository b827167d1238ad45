// Command lcov_merger is "covwrap lcov-merger" as a program of its own, for
// Bazel's --coverage_output_generator, which takes a label and no arguments.
package main

import (
	"os"

	"github.com/covwrap/covwrap/tools/covwrap/internal/bazelcmd"
)

func main() {
	os.Exit(bazelcmd.LcovMerger(os.Args[1:], os.Stdout, os.Stderr))
}
