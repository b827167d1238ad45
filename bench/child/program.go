//go:build unix

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// program is one way to build the program under test.
type program struct {
	name     string
	bin      string
	variable string // names the folder for what it writes; "" if it writes nothing
	out      string // that folder
}

// build makes the tools and the programs.
func (b *bench) build() error {
	src := b.path("src")
	if err := b.run("", "go", "run", "./bench/gen", "-o", src, fmt.Sprintf("-blocks=%d", b.blocks)); err != nil {
		return err
	}
	b.covwrap, b.launcher = b.path("covwrap"), b.path("launcher")
	if err := b.run("", "go", "build", "-o", b.covwrap, "./tools/covwrap"); err != nil {
		return err
	}
	if err := b.run("", "go", "build", "-o", b.launcher, "./tools/covwrap/launcher"); err != nil {
		return err
	}
	for _, p := range []struct {
		name, variable string
		command        []string
	}{
		{uncovered, "", []string{"go", "build"}},
		{"covwrap", "COVWRAP_DIR", []string{b.covwrap, "go", "build", "-cover"}},
		{"go build -cover", "GOCOVERDIR", []string{"go", "build", "-cover"}},
	} {
		bin := b.path("program-" + strings.ReplaceAll(p.name, " ", "_"))
		if err := b.run(src, p.command[0], append(p.command[1:], "-o", bin, ".")...); err != nil {
			return err
		}
		if err := b.program(p.name, p.variable, bin); err != nil {
			return err
		}
	}
	return nil
}

const uncovered = "uncovered"

func (b *bench) program(name, variable, bin string) error {
	p := &program{name: name, bin: bin, variable: variable}
	if variable != "" {
		p.out = bin + ".out"
		if err := os.Mkdir(p.out, 0o755); err != nil {
			return err
		}
	}
	b.programs = append(b.programs, p)
	return nil
}

// buildRulesGo builds the program as a go_binary, with rules_go's own hook.
func (b *bench) buildRulesGo(bazel bool) error {
	if !bazel {
		return nil
	}
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	src := b.path("src")
	if err := buildFiles(src); err != nil {
		return err
	}
	bazelw := filepath.Join(root, "bazelw")
	defer b.run(src, bazelw, "shutdown")
	if err := b.run(src, bazelw, "build", "--collect_code_coverage", "--instrumentation_filter=.", "//:program"); err != nil {
		return err
	}
	data, err := os.ReadFile(filepath.Join(src, "bazel-bin", "program_", "program"))
	if err != nil {
		return err
	}
	bin := b.path("program-rules_go")
	if err := os.WriteFile(bin, data, 0o755); err != nil {
		return err
	}
	return b.program("rules_go", "COVERAGE_DIR", bin)
}

// buildFiles makes a Bazel module of the generated one.
func buildFiles(src string) error {
	packages, err := filepath.Glob(filepath.Join(src, "p*", "p.go"))
	if err != nil {
		return err
	}
	files := map[string]string{"MODULE.bazel": `module(name = "gen")
bazel_dep(name = "rules_go", version = "0.65.0")
go_sdk = use_extension("@rules_go//go:extensions.bzl", "go_sdk")
go_sdk.host()
`}
	var deps strings.Builder
	for _, p := range packages {
		name := filepath.Base(filepath.Dir(p))
		fmt.Fprintf(&deps, "        \"//%s\",\n", name)
		files[name+"/BUILD.bazel"] = fmt.Sprintf(`load("@rules_go//go:def.bzl", "go_library")

go_library(
    name = %q,
    srcs = ["p.go"],
    importpath = "example.com/gen/%s",
    visibility = ["//visibility:public"],
)
`, name, name)
	}
	files["BUILD.bazel"] = `load("@rules_go//go:def.bzl", "go_binary")

go_binary(
    name = "program",
    srcs = ["main.go"],
    deps = [
` + deps.String() + "    ],\n)\n"
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(src, filepath.FromSlash(name)), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// run runs a command in dir; its output is for the error only.
func (b *bench) run(dir, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = dir, environment()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, out)
	}
	return nil
}

// environment is this process's, without what would cover the programs.
func environment() []string {
	var env []string
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		if !strings.HasPrefix(name, "COVWRAP_") && name != "GOCOVERDIR" && name != "COVERAGE_DIR" && name != "GOFLAGS" {
			env = append(env, v)
		}
	}
	return env
}

// environment is what the program runs in.
func (p *program) environment() []string {
	env := environment()
	if p.variable != "" {
		env = append(env, p.variable+"="+p.out)
	}
	return env
}

// once starts the program and waits for its end.
func (p *program) once(null *os.File) (time.Duration, error) {
	env := p.environment()
	start := time.Now()
	process, err := os.StartProcess(p.bin, []string{p.bin}, &os.ProcAttr{Env: env, Files: []*os.File{null, null, null}})
	if err != nil {
		return 0, err
	}
	state, err := process.Wait()
	took := time.Since(start)
	if err != nil {
		return 0, err
	}
	if !state.Success() {
		return 0, fmt.Errorf("%s: %v", p.bin, state)
	}
	return took, nil
}

// written empties the program's folder, apart from what is there once for each
// binary, and returns how many bytes on the disk that was.
func (p *program) written() (int64, error) {
	if p.out == "" {
		return 0, nil
	}
	entries, err := os.ReadDir(p.out)
	if err != nil {
		return 0, err
	}
	var size int64
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "covmeta.") || strings.HasPrefix(e.Name(), "covsrc.") {
			continue
		}
		name := filepath.Join(p.out, e.Name())
		size += diskUse(name)
		if err := os.RemoveAll(name); err != nil {
			return 0, err
		}
	}
	return size, nil
}
