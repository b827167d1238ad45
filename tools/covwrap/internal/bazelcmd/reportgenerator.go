package bazelcmd

import (
	"fmt"
	"io"

	"github.com/covwrap/covwrap/tools/covwrap/internal/progress"
	"github.com/covwrap/covwrap/tools/covwrap/internal/summary"
)

// maxSummaryRows keeps what Bazel prints after a build to about a screen.
const maxSummaryRows = 40

// ReportGenerator is "covwrap report-generator", what
// --coverage_report_generator runs once, after all tests, with
// --combined_report=lcov. Bazel shows its stderr: the summary.
func ReportGenerator(args []string, stdout, stderr io.Writer) int {
	f, status := parseBazelFlags("report-generator", "Merges the tracefiles of all tests and prints a summary", args, stdout, stderr)
	if f == nil {
		return status
	}
	// Some readers of combined reports (diff-cover) refuse comment lines. The
	// notes have reached their reader with the summary.
	f.Notes = false
	r, status := f.run("covwrap report-generator", stderr)
	if status != exitOK {
		return status
	}
	if r.Empty {
		fmt.Fprintln(stderr, "covwrap: there was no coverage in any tracefile")
	} else if r.Copied == "" {
		summary.ByPackage(r.Set).Write(stderr, "package", summary.Style{
			Color: progress.IsTerminal(stderr),
			Max:   maxSummaryRows,
		})
	}
	summary.WriteUnmeasured(stderr, r.Set.Unmeasured())
	summary.WriteChildren(stderr, r.Set.Notes())
	return exitOK
}
