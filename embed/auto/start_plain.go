//go:build !covwrap_internal

package auto

import "github.com/covwrap/covwrap/embed/internal/rt"

func init() {
	rt.Start(nil)
	fallback()
}

func ready(string) bool { return rt.Mapped() }
