package main

import (
	"os"
	"path/filepath"
	"strings"
)

// workspace is a Bazel module that is driven by the real Bazel.
type workspace struct {
	r   *report
	dir string
}

// workspace returns the nested module e2e/NAME.
func (r *report) workspace(name string) workspace {
	return workspace{r, filepath.Join(r.root, "e2e", name)}
}

// bazel runs one command and returns standard output, where Bazel puts the
// results of tests.
func (w workspace) bazel(env []string, args ...string) (string, error) {
	if args[0] != "shutdown" {
		// What is kept of the output is for when it fails: without a line for every moment.
		args = append([]string{args[0], "--noshow_progress"}, args[1:]...)
	}
	return w.r.command(w.dir, env, filepath.Join(w.r.root, "bazelw"), args...)
}

// shutdown ends the module's Bazel server: each has a gigabyte.
func (w workspace) shutdown() {
	_, err := w.bazel(nil, "shutdown")
	w.r.check("shutdown", err)
}

// read returns a file below bazel-testlogs.
func (w workspace) read(path string) (string, error) {
	content, err := os.ReadFile(w.log(path))
	return string(content), err
}

// log returns the path of a file below bazel-testlogs.
func (w workspace) log(path string) string {
	return filepath.Join(w.dir, "bazel-testlogs", filepath.FromSlash(path))
}

// results reads Bazel's summary: label to the word behind it, without "(cached)".
func results(stdout string) map[string]string {
	words := map[string]string{}
	for line := range strings.Lines(stdout) {
		if fields := strings.Fields(strings.ReplaceAll(line, "(cached) ", "")); len(fields) > 1 && strings.HasPrefix(fields[0], "//") {
			words[fields[0]] = strings.TrimSuffix(fields[1], ",")
		}
	}
	return words
}
