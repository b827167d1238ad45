// Command driver runs covwrap's tests of all kinds: e2e/run is the way to call
// it. A suite is a file here; the names of suites are in suites.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// suite is a set of tests that run together.
type suite struct {
	name string
	what string // one line for the list
	run  func(*report)
	slow bool // runs only when it is named, or with -all
}

// suites lists all, fast ones first.
func suites() []suite {
	return []suite{
		{"lint", "gofmt, buildifier, staticcheck and Gazelle have nothing to say", runLint, false},
		{"unit", "go vet and go test of the whole Go module", runUnit, false},
		{"analysis", "bazel test //...: the rules, and the unit tests once more under Bazel", runAnalysis, false},
		{"smoke", "a module that uses the rules: exact coverage of every ending, nothing else changed", runSmoke, false},
		{"matrix", "every way to end, in every place, for every kind of binary", goModule("matrix"), false},
		{"languages", "Go, C++ and shell tests, merged without any of Bazel's Java tools", runLanguages, false},
		{"parity", "covwrap's merger against Bazel's own, on generated and on real coverage", runParity, false},
		{"plain", "Go without Bazel: third-party programs as they are", goModule("plain"), false},
		{"gazelle", "BUILD files with the rules, written by Gazelle", runGazelle, false},
		{"repository", "a repository of plain rules, with the repository tier: exact coverage, other builds unchanged", runRepository, false},
		{"lcov", "lcov and genhtml, 1 and 2, read what the merger writes and add up the same", runLcov, true},
		{"sdks", "the repository tier with other Go SDKs, nogo and link modes", runSDKs, true},
		{"remote", "the same on a real remote-execution engine", goModule("remote", ".", "./engine"), true},
		{"windows", "programs for Windows, under Wine", goModule("windows"), true},
		{"arm64", "programs for linux/arm64, under qemu-user", goModule("arm64"), true},
	}
}

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is the whole command. It returns 0 when all tests passed, 1 when one
// failed and 2 when the command line is wrong.
func run(args []string, stdout, stderr io.Writer) int {
	all := suites()
	flags := flag.NewFlagSet("e2e/run", flag.ContinueOnError)
	flags.SetOutput(stderr)
	update := flags.Bool("update", false, "write the expected files anew instead of comparing (read the diff afterwards)")
	slow := flags.Bool("all", false, "run the slow suites, too")
	flags.Usage = func() {
		fmt.Fprintln(stderr, "usage: e2e/run [-all] [-update] [NAME...]; suites in brackets only with -all, or when they are named")
		for _, s := range all {
			name := s.name
			if s.slow {
				name = "[" + name + "]"
			}
			fmt.Fprintf(stderr, "  %-10s %s\n", name, s.what)
		}
	}
	if err := flags.Parse(args); err != nil {
		return 2
	}
	for _, name := range flags.Args() {
		if !slices.ContainsFunc(all, func(s suite) bool { return s.name == name }) {
			fmt.Fprintf(stderr, "e2e/run: there is no suite %q; e2e/run -h lists them\n", name)
			return 2
		}
	}
	root, err := os.Getwd()
	if err == nil {
		_, err = os.Stat(filepath.Join(root, "bazelw"))
	}
	if err != nil {
		fmt.Fprintf(stderr, "e2e/run: not in the repository's folder: %v\n", err)
		return 2
	}
	r := &report{out: stdout, root: root, update: *update}
	for _, s := range all {
		if named := slices.Contains(flags.Args(), s.name); flags.NArg() > 0 && !named || flags.NArg() == 0 && s.slow && !*slow {
			continue
		}
		r.suite = s.name
		s.run(r)
	}
	return r.finish()
}
