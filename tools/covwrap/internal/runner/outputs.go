package runner

import (
	"io"
	"os"
	"path/filepath"

	"github.com/covwrap/covwrap/tools/covwrap/internal/atomicfile"
	"github.com/covwrap/covwrap/tools/covwrap/internal/covdata"
	"github.com/covwrap/covwrap/tools/covwrap/internal/cover"
	"github.com/covwrap/covwrap/tools/covwrap/internal/htmlreport"
	"github.com/covwrap/covwrap/tools/covwrap/internal/ledger"
	"github.com/covwrap/covwrap/tools/covwrap/internal/lines"
)

// Note adds a trouble to the ledger and to the log.
func (r *Report) Note(slug, text string) {
	r.Ledger.Trouble = append(r.Ledger.Trouble, ledger.Trouble{Slug: slug, Text: text})
	r.Log = append(r.Log, slug+": "+text+"\n"...)
}

// WriteLCOV writes a tracefile, with the account in its comments.
func (r *Report) WriteLCOV(path string) error {
	return atomicfile.Write(path, func(w io.Writer) error {
		return lines.WriteLCOV(w, r.Ledger.Notes(), r.Files)
	})
}

// WriteProfile writes Go's text profile.
func (r *Report) WriteProfile(path string) error {
	return atomicfile.Write(path, func(w io.Writer) error {
		return lines.WriteProfile(w, r.Mode(), r.Packages)
	})
}

// WriteHTML writes pages for a browser into a folder, with the text of the source
// files from the folder that their names are relative to. It returns those that
// it did not find there.
func (r *Report) WriteHTML(dir, source string) (missing []string, err error) {
	set := cover.NewSet()
	for _, f := range r.Files {
		f.AddTo(set, f.Name)
	}
	result, err := htmlreport.Write(dir, set, htmlreport.Options{Title: "Coverage", Source: source})
	return result.Missing, err
}

// Mode is the counter mode of a profile of all binaries: "set" only if all are,
// since adding to counts of another mode makes counts.
func (r *Report) Mode() covdata.Mode {
	mode := covdata.Mode(0)
	for _, m := range r.Modes {
		mode = max(mode, m)
	}
	if mode == 0 {
		return covdata.ModeSet
	}
	return mode
}

// WriteLedger writes the ledger.
func (r *Report) WriteLedger(path string) error {
	return atomicfile.Write(path, r.Ledger.Write)
}

// WriteOutputs writes what belongs into the undeclared outputs of a test: the
// ledger, the phases if any were marked, and the log if there is anything in it.
func (r *Report) WriteOutputs(dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	if err := r.WriteLedger(filepath.Join(dir, ledger.FileName)); err != nil {
		return err
	}
	if err := r.WritePhases(filepath.Join(dir, "phases")); err != nil {
		return err
	}
	if len(r.Log) == 0 {
		return nil
	}
	return os.WriteFile(filepath.Join(dir, "covwrap.log"), r.Log, 0o666)
}
