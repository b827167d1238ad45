package embed

import (
	"os"

	"github.com/covwrap/covwrap/embed/phase"
)

// Mark begins a phase: what all processes under the launcher count from now on
// is reported under that name as well as in the total (`covwrap run --phases`).
// A name that came before goes on. It returns when the phase has begun, so that
// what the program does next is counted in it.
//
// Where nothing collects (no COVWRAP_DIR, as outside of tests) it does nothing
// and returns nil. An error says what is wrong with the name or with the profile
// directory; no program needs to fail because of it.
func Mark(name string) error {
	if err := phase.CheckName(name); err != nil {
		return err
	}
	dir := os.Getenv("COVWRAP_DIR")
	if dir == "" {
		return nil
	}
	return phase.Mark(dir, name)
}
