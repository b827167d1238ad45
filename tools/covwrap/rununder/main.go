// Command rununder is the launcher for Bazel's --run_under: the rest of its
// command line is a test, of any rule, to be run and collected.
//
//	rununder TEST [ARGUMENTS]
//
// Without coverage, and before a test that has a launcher by its rule, whose
// options then count, it replaces itself with the test. Options are in the file
// beside it whose name is its own and ".options", in the form of
// COVWRAP_OPTIONS; if there is none, the launcher's defaults count.
package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/covwrap/covwrap/tools/covwrap/internal/launch"
	"github.com/covwrap/covwrap/tools/covwrap/internal/wrapped"
)

func main() {
	os.Exit(run(os.Args, os.Stderr))
}

func run(args []string, stderr io.Writer) int {
	if len(args) < 2 {
		fmt.Fprintln(stderr, "covwrap: no test on the command line; this program is for --run_under=@covwrap//rules/repository:launcher")
		return 2
	}
	// Absolute, as Bazel names a test that it starts by itself.
	test, err := filepath.Abs(args[1])
	if err != nil {
		test = args[1]
	}
	argv := append([]string{test}, args[2:]...)
	// The launcher may have started itself anew; then it has set COVWRAP_TEST
	// itself.
	if launch.Staged() == "" {
		if os.Getenv("COVERAGE_DIR") == "" || os.Getenv(launch.TestVar) != "" {
			err := launch.Replace(test, argv, os.Environ())
			fmt.Fprintf(stderr, "covwrap: cannot run %s: %v\n", test, err)
			return status(err)
		}
		os.Setenv(launch.TestVar, test)
		if options, err := os.ReadFile(args[0] + ".options"); err == nil && os.Getenv(launch.OptionsVar) == "" {
			os.Setenv(launch.OptionsVar, string(options))
		}
	}
	code, _ := wrapped.Main(argv, stderr)
	return code
}

// status is what a shell makes of a command that it cannot start.
func status(err error) int {
	if os.IsNotExist(err) {
		return 127
	}
	return 126
}
