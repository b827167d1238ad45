package runner

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/covwrap/covwrap/tools/covwrap/internal/atomicfile"
	"github.com/covwrap/covwrap/tools/covwrap/internal/collect"
	"github.com/covwrap/covwrap/tools/covwrap/internal/lines"
	"github.com/covwrap/covwrap/tools/covwrap/internal/phases"
)

// BeforeFirstMark is how files and summaries name the phase that has no mark.
// No mark can have this name, see phase.CheckName.
const BeforeFirstMark = "(start)"

// PhaseName is the name of a phase for people.
func PhaseName(p collect.Phase) string {
	if p.Name == phases.Start {
		return BeforeFirstMark
	}
	return p.Name
}

// WritePhases writes, for each phase, a tracefile DIR/NAME.lcov, whose test name
// (TN) is the phase's, and a Go coverage profile DIR/NAME.out. Without marks it
// writes nothing.
func (r *Report) WritePhases(dir string) error {
	if len(r.Phases) == 0 {
		return nil
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	for _, p := range r.Phases {
		name := PhaseName(p)
		files, _ := lines.Files(p.Packages, r.Name) // what is refused is named in the total
		err := atomicfile.Write(filepath.Join(dir, name+".lcov"), func(w io.Writer) error {
			// Every record is of the test, that is the phase, named before it.
			for _, f := range files {
				if _, err := fmt.Fprintf(w, "TN:%s\n", name); err != nil {
					return err
				}
				if err := lines.WriteLCOV(w, nil, []lines.File{f}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		err = atomicfile.Write(filepath.Join(dir, name+".out"), func(w io.Writer) error {
			return lines.WriteProfile(w, r.Mode(), p.Packages)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
