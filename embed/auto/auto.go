package auto

import "github.com/covwrap/covwrap/embed/internal/rt"

func init() { rt.Start(nil) }
