package cli

import (
	"fmt"
	"os"

	"github.com/covwrap/covwrap/tools/covwrap/internal/diffcover"
	"github.com/covwrap/covwrap/tools/covwrap/internal/gitdiff"
	"github.com/covwrap/covwrap/tools/covwrap/internal/intake"
	"github.com/covwrap/covwrap/tools/covwrap/internal/minimum"
)

const diffUsage = `Usage: covwrap diff [--base=REVISION] [--min=N] [--json] [INPUT...]

Shows how much of the code that changed since a revision of git is covered, and
which of its lines are not. Compared is the working tree, new files included,
with the commit in which the histories of HEAD and the revision parted. Ends
with status 4 if less than N percent of the changed lines are covered.
`

// Diff is "covwrap diff".
func Diff(args []string, stdio Stdio) int {
	r := newReading("diff", diffUsage).withJSON()
	base := r.set.String("base", "HEAD", "the `REVISION` to compare with, such as origin/main")
	var least minimum.Percent
	r.set.Func("min", "ask for at least `N` percent", func(s string) (err error) {
		least, err = minimum.ParsePercent(s)
		return err
	})
	inputs, status, done := r.parse(args, stdio)
	if done {
		return status
	}
	dir, err := os.Getwd()
	if err != nil {
		return r.fail(stdio, err)
	}
	changes, err := gitdiff.Since(dir, *base)
	if err != nil {
		return r.fail(stdio, err)
	}
	c, status := r.read(inputs, intake.Options{}, stdio)
	if c == nil {
		return status
	}
	defer c.Close()
	report := diffcover.Of(c.Set, changes, dir)
	report.Required = least
	report.OK = report.Lines == 0 || least.Reached(report.Hit, report.Lines)
	if r.json {
		err = r.writeJSON(report, stdio)
	} else {
		err = report.Write(stdio.Out)
	}
	switch {
	case err != nil:
		return r.fail(stdio, err)
	case !report.OK:
		fmt.Fprintf(stdio.Err, "covwrap diff: less than %v of the changed lines are covered\n", least)
		return exitBelow
	}
	return exitOK
}
