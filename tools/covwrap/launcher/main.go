// Command launcher runs a test of the rules below covwrap. The rules tell it by
// environment variables what to run; "covwrap run" is the same for people.
package main

import (
	"fmt"
	"os"

	"github.com/covwrap/covwrap/tools/covwrap/internal/wrapped"
)

func main() {
	status, ok := wrapped.Main(os.Args, os.Stderr)
	if !ok {
		fmt.Fprintln(os.Stderr, "covwrap: this program is for the rules in @covwrap//rules:defs.bzl; use \"covwrap run\"")
		status = 2
	}
	os.Exit(status)
}
