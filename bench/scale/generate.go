package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// size is how large a repository is.
type size struct{ tests, children, functions int }

// perProgram is how many tests share one program, so that most of the time
// to generate it all does not go into linking.
const perProgram = 10

// folders returns the packages of a repository: a smaller one is a part of a
// greater one.
func (s size) folders() []string {
	var out []string
	for first := 0; first < s.tests; first += perProgram {
		out = append(out, fmt.Sprintf("p%d", first/perProgram))
	}
	return out
}

// generate writes a Bazel module. With covwrap its targets are covwrap's,
// else rules_go's; both know the covwrap module, whose tools merge.
func (s size) generate(dir, covwrap string, wrapped bool) error {
	load := `load("@rules_go//go:def.bzl", "go_binary", "go_test")`
	binary, test := "go_binary", "go_test"
	if wrapped {
		load = `load("@covwrap//rules:defs.bzl", "covwrap_go_binary", "covwrap_go_test")`
		binary, test = "covwrap_go_binary", "covwrap_go_test"
	}
	files := map[string]string{
		"BUILD.bazel": "",
		"MODULE.bazel": fmt.Sprintf(`module(name = "scale")
bazel_dep(name = "covwrap")
local_path_override(module_name = "covwrap", path = %q)
bazel_dep(name = "rules_go", version = "0.65.0")
go_sdk = use_extension("@rules_go//go:extensions.bzl", "go_sdk")
go_sdk.host()
`, covwrap),
	}
	for n, folder := range s.folders() {
		first := n * perProgram
		var build strings.Builder
		fmt.Fprintf(&build, "%s\n%s(name = \"worker\", srcs = [\"worker.go\"])\n", load, binary)
		for i := first; i < min(first+perProgram, s.tests); i++ {
			fmt.Fprintf(&build, "%s(name = \"t%d_test\", size = \"small\", srcs = [\"t%d_test.go\"], data = [\":worker\"], "+
				"env = {\"WORKER\": \"$(rootpath :worker)\"})\n", test, i, i)
			files[fmt.Sprintf("%s/t%d_test.go", folder, i)] = testSource(i)
		}
		files[folder+"/BUILD.bazel"] = build.String()
		files[folder+"/worker.go"] = workerSource(n, s.functions)
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, []byte(text), 0o666)); err != nil {
			return err
		}
	}
	return nil
}

// testSource is a test that starts children, which do different parts of what
// their program can do. How many is in its environment: another number is no
// reason to build everything again.
func testSource(i int) string {
	return fmt.Sprintf(`package p

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
)

func Test%d(t *testing.T) {
	worker := filepath.Join(os.Getenv("TEST_SRCDIR"), os.Getenv("TEST_WORKSPACE"), os.Getenv("WORKER"))
	children, err := strconv.Atoi(os.Getenv("SCALE_CHILDREN"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range children {
		// rules_go's hook speaks on the program's standard error.
		if out, err := exec.Command(worker, strconv.Itoa(%d+i)).Output(); err != nil || string(out) != "done\n" {
			t.Fatalf("%%q, %%v", out, err)
		}
	}
}
`, i, i)
}

// workerSource is a program with so many functions, of which a run calls a
// third.
func workerSource(n, functions int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "package main\n\nimport (\n\t\"fmt\"\n\t\"os\"\n\t\"strconv\"\n)\n\nvar n = %d\n\nvar all = []func(int) int{", n)
	for i := range functions {
		fmt.Fprintf(&b, "f%d, ", i)
	}
	b.WriteString("}\n\nfunc main() {\n\tk, _ := strconv.Atoi(os.Args[1])\n\tfor i, f := range all {\n\t\tif i%3 == k%3 {\n\t\t\tn += f(k)\n\t\t}\n\t}\n\tfmt.Println(\"done\")\n}\n")
	for i := range functions {
		fmt.Fprintf(&b, "\nfunc f%d(k int) int {\n\tsum := 0\n\tfor i := range k {\n\t\tif i%%2 == %d {\n\t\t\tsum += i\n\t\t} else {\n\t\t\tsum--\n\t\t}\n\t}\n\treturn sum\n}\n", i, i%2)
	}
	return b.String()
}
