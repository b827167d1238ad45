// Command report_generator is "covwrap report-generator" as a program of its own, for
// Bazel's --coverage_report_generator, which takes a label and no arguments.
package main

import (
	"os"

	"github.com/covwrap/covwrap/tools/covwrap/internal/bazelcmd"
)

func main() {
	os.Exit(bazelcmd.ReportGenerator(os.Args[1:], os.Stdout, os.Stderr))
}
