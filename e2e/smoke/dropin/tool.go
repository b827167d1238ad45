// Command tool says how it was built.
package main

import (
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
)

var version = "unset" // x_defs

//go:embed testdata/text.txt
var text string // embedsrcs

func main() {
	fmt.Printf("%s: version %s, tag %s, text %q\n", filepath.Base(os.Args[0]), version, tag, text)
}
