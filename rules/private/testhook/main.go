// Command testhook writes the Go file that covwrap adds to a go_test under
// coverage. The file must be in one of the test's two packages, foo or foo_test,
// whose names only its sources tell.
//
// Of the two it takes foo_test when that exists: foo_test imports foo, hence
// initialises last, when the meta-data of all instrumented packages is there.
package main

import (
	"errors"
	"flag"
	"fmt"
	"go/build"
	"go/parser"
	"go/token"
	"io"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stderr))
}

// run is the whole command: args without the program's name, to the exit status.
func run(args []string, stderr io.Writer) int {
	if err := hook(args, stderr); err != nil {
		fmt.Fprintln(stderr, "testhook:", err)
		return 1
	}
	return 0
}

func hook(args []string, stderr io.Writer) error {
	flags := flag.NewFlagSet("testhook", flag.ContinueOnError)
	flags.SetOutput(stderr)
	out := flags.String("o", "", "`file` to write")
	template := flags.String("template", "", "`file` with the text, in which {package} stands for the package's name")
	goos := flags.String("goos", "", "operating `system` that the test is built for")
	goarch := flags.String("goarch", "", "`architecture` that the test is built for")
	tags := flags.String("tags", "", "build tags, separated by commas")
	if err := flags.Parse(args); err != nil {
		return err
	}
	text, err := os.ReadFile(*template)
	if err != nil {
		return err
	}
	context := build.Default
	context.GOOS, context.GOARCH, context.CgoEnabled = *goos, *goarch, true
	context.BuildTags = strings.FieldsFunc(*tags, func(r rune) bool { return r == ',' })
	name, err := testPackage(&context, flags.Args())
	if err != nil {
		return err
	}
	return os.WriteFile(*out, []byte(strings.ReplaceAll(string(text), "{package}", name)), 0o666)
}

// testPackage returns the name of the package that initialises last among those
// of srcs, a test's source files of all kinds. Files that the context excludes do
// not count: a helper with "//go:build ignore" is often a package main.
func testPackage(context *build.Context, srcs []string) (string, error) {
	var internal string
	for _, src := range srcs {
		if filepath.Ext(src) != ".go" {
			continue
		}
		match, err := context.MatchFile(filepath.Dir(src), filepath.Base(src))
		if err != nil {
			return "", err
		}
		if !match {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), src, nil, parser.PackageClauseOnly)
		if err != nil {
			return "", err
		}
		name := file.Name.Name
		// By the package's name alone, as rules_go tells the two apart.
		if strings.HasSuffix(name, "_test") {
			return name, nil
		}
		internal = name
	}
	if internal == "" {
		return "", errors.New("no Go file among the test's srcs and embed belongs to this platform: add one, or set target_compatible_with")
	}
	return internal, nil
}
