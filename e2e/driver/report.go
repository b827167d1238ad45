package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// report says what is going on and counts.
type report struct {
	out    io.Writer
	root   string // the repository's folder
	update bool   // expected files are written, not compared
	suite  string // the suite that runs

	passed int
	failed []string
}

// check counts one test, which passed when err is nil.
func (r *report) check(name string, err error) {
	name = r.suite + "/" + name
	if err == nil {
		r.passed++
		fmt.Fprintf(r.out, "PASS  %s\n", name)
		return
	}
	r.failed = append(r.failed, name)
	fmt.Fprintf(r.out, "FAIL  %s: %s\n", name, strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "\n      "))
}

// equal checks that a test saw what it should.
func (r *report) equal(name, got, want string) {
	r.check(name, difference(got, want))
}

// finish prints the last line and returns the exit status.
func (r *report) finish() int {
	for _, name := range r.failed {
		fmt.Fprintf(r.out, "failed: %s\n", name)
	}
	fmt.Fprintf(r.out, "%d passed, %d failed\n", r.passed, len(r.failed))
	if len(r.failed) > 0 || r.passed == 0 {
		return 1
	}
	return 0
}

// command runs a program, whose output is kept, not shown. It returns standard
// output; an error has the end of all output.
func (r *report) command(dir string, env []string, name string, args ...string) (string, error) {
	fmt.Fprintf(r.out, "      %s: %s %s ...", r.suite, filepath.Base(name), strings.Join(args, " "))
	began := time.Now()
	stdout, err := execute(dir, env, name, args)
	fmt.Fprintf(r.out, " %.1f s\n", time.Since(began).Seconds())
	return stdout, err
}

// quiet is command for long command lines, which nobody wants to see.
func (r *report) quiet(dir, name string, args ...string) (string, error) {
	return execute(dir, nil, name, args)
}

func execute(dir string, env []string, name string, args []string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = append(environment(), env...)
	var stdout, all strings.Builder
	cmd.Stdout = io.MultiWriter(&stdout, &all)
	cmd.Stderr = &all
	err := cmd.Run()
	if err != nil {
		line := strings.Join(args, " ")
		err = fmt.Errorf("%s %.300s: %w\n%s", name, line, err, tail(all.String(), 60))
	}
	return stdout.String(), err
}

// environment is this process's, without what an outer test or coverage run has
// put there: an inner Bazel, or covwrap itself, would take it for its own.
func environment() []string {
	var env []string
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		switch {
		case strings.HasPrefix(name, "TEST_"), strings.HasPrefix(name, "RUNFILES_"), strings.HasPrefix(name, "COVERAGE"),
			strings.HasPrefix(name, "COVWRAP_") && name != "COVWRAP_BAZEL", name == "GOCOVERDIR", name == "BUILD_WORKSPACE_DIRECTORY":
		default:
			env = append(env, variable)
		}
	}
	return env
}

// tail returns the last n lines of text.
func tail(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// difference returns an error that shows the first line in which two texts
// differ, or nil when they are equal.
func difference(got, want string) error {
	if got == want {
		return nil
	}
	g, w := strings.SplitAfter(got, "\n"), strings.SplitAfter(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Errorf("line %d is %q, want %q; all of it is\n%s", i+1, g[i], w[i], got)
		}
	}
	return fmt.Errorf("%d lines, want %d; all of it is\n%s\nwant\n%s", len(g)-1, len(w)-1, got, want)
}

// golden checks text against a file of the repository, or writes the file.
func (r *report) golden(name, got, file string) {
	if r.update {
		r.check(name, errors.Join(os.MkdirAll(filepath.Dir(file), 0o777), os.WriteFile(file, []byte(got), 0o666)))
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		r.check(name, err)
		return
	}
	r.equal(name, got, string(want))
}
