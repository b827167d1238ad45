//go:build !covwrap_internal

package auto

import "github.com/covwrap/covwrap/embed/internal/rt"

func init() { rt.Start(nil) }

func ready() bool { return rt.Mapped() }
