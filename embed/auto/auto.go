// Package auto lets a program built for coverage keep its counters in a file
// that survives every end of the process, SIGKILL included. Import it for its
// effect alone, anywhere in the program:
//
//	import _ "github.com/covwrap/covwrap/embed/auto"
//
// It acts when the program was built for coverage (`go build -cover`, `bazel
// coverage`) and finds a profile directory: the one that the environment
// variable COVWRAP_DIR names, in its own environment or in that of the nearest
// ancestor. `covwrap run` makes one. In all other programs it does nothing.
//
// The rules of covwrap and `covwrap go build` add the same runtime by
// themselves, and with more access: then a process needs no meta-data from
// Go's own exit code, which this import leaves in place (Go's linker does not
// let a package of a user switch it off). To keep the runtime out of the
// binaries that are shipped, import it in a file with a build constraint.
package auto

// Ready is called by the rules from a variable of package main, when all
// packages have registered for coverage; users have no need of it. It reports
// whether the process has a counter map.
//
// The argument tells where the caller's own package has its files, which rules_go
// registers too late, in init functions of that package: one line a file, the
// name in the meta-data, a tab, the path in the workspace.
func Ready(sources string) bool { return ready(sources) }
