package cli

import (
	"errors"
	"fmt"
	"io"

	"github.com/covwrap/covwrap/tools/covwrap/internal/intake"
	"github.com/covwrap/covwrap/tools/covwrap/internal/minimum"
	"github.com/covwrap/covwrap/tools/covwrap/internal/summary"
)

const checkUsage = `Usage: covwrap check [--min-lines=N] [--min-functions=N] [--per-file]
                     [--package=//x/...=N]... [--json] [INPUT...]

Checks coverage against minimums, in percent, and shows what falls short. Ends
with status 0 if nothing does, 4 if something does, 1 if it could not find out.
`

// Check is "covwrap check".
func Check(args []string, stdio Stdio) int {
	r := newReading("check", checkUsage).withJSON()
	var rules minimum.Rules
	percent := func(to **minimum.Percent) func(string) error {
		return func(s string) error {
			p, err := minimum.ParsePercent(s)
			*to = &p
			return err
		}
	}
	r.set.Func("min-lines", "at least `N` percent of all lines", percent(&rules.Lines))
	r.set.Func("min-functions", "at least `N` percent of all functions", percent(&rules.Functions))
	r.set.BoolVar(&rules.PerFile, "per-file", false, "also in every single file")
	r.set.Func("package", "at least N percent of the lines of the packages that a pattern matches, as `//x/...=N` (repeatable)", func(s string) error {
		rule, err := minimum.ParsePackageRule(s)
		rules.Packages = append(rules.Packages, rule)
		return err
	})
	inputs, status, done := r.parse(args, stdio)
	if done {
		return status
	}
	switch {
	case rules.Lines == nil && rules.Functions == nil && len(rules.Packages) == 0:
		return r.misuse(stdio, errors.New("nothing is asked for: give --min-lines, --min-functions or --package"))
	case rules.PerFile && rules.Lines == nil && rules.Functions == nil:
		return r.misuse(stdio, errors.New("--per-file needs --min-lines or --min-functions"))
	}
	c, status := r.read(inputs, intake.Options{}, stdio)
	if c == nil {
		return status
	}
	defer c.Close()
	verdicts := minimum.Check(c.Set, rules)
	var short []minimum.Verdict
	for _, v := range verdicts {
		if !v.OK {
			short = append(short, v)
		}
	}
	if r.json {
		out := struct {
			OK       bool              `json:"ok"`
			Minimums []minimum.Verdict `json:"minimums"`
		}{len(short) == 0, verdicts}
		if err := r.writeJSON(out, stdio); err != nil {
			return r.fail(stdio, err)
		}
	} else {
		writeVerdicts(stdio.Out, verdicts, short)
	}
	if len(short) > 0 {
		return exitBelow
	}
	return exitOK
}

// writeVerdicts shows what falls short.
func writeVerdicts(w io.Writer, all, short []minimum.Verdict) {
	if len(short) == 0 {
		fmt.Fprintf(w, "covwrap check: %s met\n", plural(len(all), "minimum is", "minimums are all"))
		return
	}
	rows := [][]string{{"falls short", "of", "covered", "percent", "required"}}
	for _, v := range short {
		rows = append(rows, []string{v.Name, v.Kind, fmt.Sprintf("%d/%d", v.Hit, v.All), summary.Percent(v.Hit, v.All), v.Required.String()})
	}
	summary.WriteColumns(w, rows, 1)
	for _, v := range short {
		if v.All == 0 {
			fmt.Fprintf(w, "%s: there are no %s at all: is the name right, and does the report cover it?\n", v.Name, v.Kind)
		}
	}
	fmt.Fprintf(w, "covwrap check: %d of %s not met\n", len(short), plural(len(all), "minimum is", "minimums are"))
}
