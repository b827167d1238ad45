package cli

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/covwrap/covwrap/tools/covwrap/internal/atomicfile"
	"github.com/covwrap/covwrap/tools/covwrap/internal/cobertura"
	"github.com/covwrap/covwrap/tools/covwrap/internal/goblocks"
	"github.com/covwrap/covwrap/tools/covwrap/internal/intake"
	"github.com/covwrap/covwrap/tools/covwrap/internal/jsonreport"
	"github.com/covwrap/covwrap/tools/covwrap/internal/lcov"
	"github.com/covwrap/covwrap/tools/covwrap/internal/merger"
)

const mergeUsage = `Usage: covwrap merge [--format=FORMAT] [-o OUT] [INPUT...]

Adds up coverage and writes it in another format:

  lcov        a tracefile
  cobertura   Cobertura XML, for GitLab, Azure Pipelines and Jenkins
  json        JSON, for programs
  go          a Go coverage profile, for "go tool cover"
  gocoverdir  a folder for "go tool covdata", one sum per binary

The last two need Go profiles, since other inputs do not have Go's blocks.
`

// mergeFlags are the flags of "covwrap merge".
type mergeFlags struct {
	*reading
	format, out string
	byTest      bool
	split       int
	parallelism int
}

// Merge is "covwrap merge".
func Merge(args []string, stdio Stdio) int {
	f := &mergeFlags{reading: newReading("merge", mergeUsage)}
	f.set.StringVar(&f.format, "format", "lcov", "`FORMAT` of the output: lcov, cobertura, json, go or gocoverdir")
	f.set.StringVar(&f.out, "o", "", "write to `OUT`, complete or not at all (default: standard output)")
	f.set.BoolVar(&f.byTest, "by-test", false, "keep tests with different names (TN) apart; for lcov and json")
	f.set.IntVar(&f.split, "split", 0, "for cobertura: make reports of at most `MB` each, OUT, OUT with -2 before its extension, ... (GitLab reads 10)")
	f.set.IntVar(&f.parallelism, "parallelism", 0, "read `N` files at once (default: one per processor)")
	inputs, status, done := f.parse(args, stdio)
	if done {
		return status
	}
	if err := f.check(); err != nil {
		return f.misuse(stdio, err)
	}
	c, status := f.read(inputs, intake.Options{
		Blocks: f.format == "go" || f.format == "gocoverdir",
		Merge:  merger.Options{Parallelism: f.parallelism, ByTest: f.byTest},
	}, stdio)
	if c == nil {
		return status
	}
	defer c.Close()
	if err := f.write(c, stdio); err != nil {
		return f.fail(stdio, err)
	}
	return exitOK
}

// check says what does not go together.
func (f *mergeFlags) check() error {
	switch f.format {
	case "lcov", "json":
	case "cobertura", "go", "gocoverdir":
		if f.byTest {
			return fmt.Errorf("--by-test: the format %s has no place for the names of tests", f.format)
		}
	default:
		return fmt.Errorf("--format=%s is none of lcov, cobertura, json, go, gocoverdir", f.format)
	}
	switch {
	case f.split < 0 || f.split > 1<<10:
		return errors.New("--split: expected a number of MB from 1 to 1024")
	case f.split > 0 && f.format != "cobertura":
		return errors.New("--split is for --format=cobertura")
	case f.split > 0 && f.out == "":
		return errors.New("--split needs the name of a file (-o)")
	case f.format == "gocoverdir" && f.out == "":
		return errors.New("--format=gocoverdir needs the name of a folder (-o)")
	}
	return nil
}

// write writes the output.
func (f *mergeFlags) write(c *intake.Coverage, stdio Stdio) error {
	switch f.format {
	case "lcov":
		return f.toFile(stdio, func(w io.Writer) error {
			_, err := lcov.Write(w, c.Set, lcov.WriteOptions{})
			return err
		})
	case "json":
		return f.toFile(stdio, func(w io.Writer) error { return jsonreport.Write(w, c.Set) })
	case "go":
		return f.toFile(stdio, c.Blocks.Write)
	case "gocoverdir":
		if len(c.Texts) > 0 {
			return fmt.Errorf("%s is a text profile, which does not say what binary it is of: --format=gocoverdir needs GOCOVERDIR folders", c.Texts[0])
		}
		return goblocks.MergeDirs(f.out, c.GoDirs)
	}
	if f.split == 0 {
		return f.toFile(stdio, func(w io.Writer) error { return cobertura.Write(w, c.Set) })
	}
	parts, tooLarge := cobertura.Parts(c.Set, f.split<<20)
	for i, part := range parts {
		err := atomicfile.Write(f.part(i), func(w io.Writer) error {
			_, err := w.Write(part)
			return err
		})
		if err != nil {
			return err
		}
	}
	if tooLarge > 0 {
		fmt.Fprintf(stdio.Err, "covwrap merge: warning: %s larger than %d MB, since a single folder of source files is [report-too-large]\n",
			plural(tooLarge, "report is", "reports are"), f.split)
	}
	return nil
}

// toFile writes to -o or standard output.
func (f *mergeFlags) toFile(stdio Stdio, write func(io.Writer) error) error {
	if f.out == "" || f.out == "-" {
		return write(stdio.Out)
	}
	return atomicfile.Write(f.out, write)
}

// part is the name of the i-th part of the output, from 0.
func (f *mergeFlags) part(i int) string {
	if i == 0 {
		return f.out
	}
	ext := filepath.Ext(f.out)
	return fmt.Sprintf("%s-%d%s", strings.TrimSuffix(f.out, ext), i+1, ext)
}
