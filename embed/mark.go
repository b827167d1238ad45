package embed

import (
	"os"

	"github.com/covwrap/covwrap/embed/phase"
)

// Mark marks.
func Mark(name string) error { return phase.Mark(os.Getenv("COVWRAP_DIR"), name) }
