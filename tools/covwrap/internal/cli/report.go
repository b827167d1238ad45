package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/covwrap/covwrap/tools/covwrap/internal/htmlreport"
	"github.com/covwrap/covwrap/tools/covwrap/internal/intake"
)

const reportUsage = `Usage: covwrap report --html=FOLDER [--source=FOLDER] [--title=TEXT] [INPUT...]

Writes pages for a browser: an index by folder, and each source file with its
counts beside the lines. They need no server and no script.
`

// Report is "covwrap report".
func Report(args []string, stdio Stdio) int {
	r := newReading("report", reportUsage)
	html := r.set.String("html", "", "write the pages into `FOLDER`, in place of an earlier report")
	source := r.set.String("source", ".", "find source files in `FOLDER`, which their names are relative to")
	title := r.set.String("title", "Coverage", "`TEXT` at the top")
	inputs, status, done := r.parse(args, stdio)
	if done {
		return status
	}
	if *html == "" {
		return r.misuse(stdio, errors.New("--html says where the pages go, and is missing"))
	}
	if info, err := os.Stat(*source); err != nil || !info.IsDir() {
		return r.misuse(stdio, fmt.Errorf("--source=%s is no folder", *source))
	}
	c, status := r.read(inputs, intake.Options{}, stdio)
	if c == nil {
		return status
	}
	defer c.Close()
	result, err := htmlreport.Write(*html, c.Set, htmlreport.Options{Title: *title, Source: *source})
	if err != nil {
		return r.fail(stdio, err)
	}
	if n := len(result.Missing); n > 0 {
		fmt.Fprintf(stdio.Err, "covwrap report: warning: %s not found in %s, first %s; the pages have counts only [source-not-found]\n",
			plural(n, "source file was", "source files were"), *source, result.Missing[0])
	}
	fmt.Fprintf(stdio.Out, "covwrap report: %s; begin with %s\n", plural(result.Pages, "page", "pages"), filepath.Join(*html, "index.html"))
	return exitOK
}
