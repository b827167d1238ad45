package cli

import (
	"fmt"

	"github.com/covwrap/covwrap/tools/covwrap/internal/intake"
	"github.com/covwrap/covwrap/tools/covwrap/internal/progress"
	"github.com/covwrap/covwrap/tools/covwrap/internal/summary"
)

const summaryUsage = `Usage: covwrap summary [--by=package|file] [--json] [INPUT...]

Shows how much of the code was covered: lines, functions and branches per
package (folder) or file.
`

// Summary is "covwrap summary".
func Summary(args []string, stdio Stdio) int {
	r := newReading("summary", summaryUsage).withJSON()
	by := r.set.String("by", "package", "one row per `THING`: package or file")
	inputs, status, done := r.parse(args, stdio)
	if done {
		return status
	}
	if *by != "package" && *by != "file" {
		return r.misuse(stdio, fmt.Errorf("--by=%s is none of package, file", *by))
	}
	c, status := r.read(inputs, intake.Options{}, stdio)
	if c == nil {
		return status
	}
	defer c.Close()
	table := summary.ByPackage(c.Set)
	if *by == "file" {
		table = summary.ByFile(c.Set)
	}
	if r.json {
		if err := r.writeJSON(table.JSON(c.Set.Unmeasured()), stdio); err != nil {
			return r.fail(stdio, err)
		}
		return exitOK
	}
	table.Write(stdio.Out, *by, summary.Style{Color: progress.IsTerminal(stdio.Out)})
	summary.WriteUnmeasured(stdio.Out, c.Set.Unmeasured())
	summary.WriteChildren(stdio.Out, table.Notes)
	return exitOK
}
