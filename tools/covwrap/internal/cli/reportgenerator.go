package cli

import "github.com/covwrap/covwrap/tools/covwrap/internal/bazelcmd"

// ReportGenerator is "covwrap report-generator".
func ReportGenerator(args []string, stdio Stdio) int {
	return bazelcmd.ReportGenerator(args, stdio.Out, stdio.Err)
}
