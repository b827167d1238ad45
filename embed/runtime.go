//go:build covwrap

package embed

import _ "github.com/covwrap/covwrap/embed/auto" // the runtime
