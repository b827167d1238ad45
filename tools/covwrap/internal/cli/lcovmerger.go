package cli

import "github.com/covwrap/covwrap/tools/covwrap/internal/bazelcmd"

// LcovMerger is "covwrap lcov-merger".
func LcovMerger(args []string, stdio Stdio) int {
	return bazelcmd.LcovMerger(args, stdio.Out, stdio.Err)
}
