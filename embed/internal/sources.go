// Package internal holds the source text of the runtime, for package overlay,
// which adds it to a copy of the standard library.
package internal

import "embed"

// Sources has the folders rt and early.
//
//go:embed rt/*.go rt/*.s early/*.go
var Sources embed.FS
