//go:build linux

package matrix

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"example.com/matrix/internal/parent"
)

// bazelCell is a cell that runs in a go_test, with programs built by rules_go.
type bazelCell struct {
	parent.Cell
	counts counts            // of all its processes
	tally  []string          // these tags are counted by the tally
	slack  map[string]uint64 // see oracle.Want
}

// endsOfBazel are the ends of those cells that have one process image. (How many
// files a program can open is not one of them: in Bazel's sandbox Go's runtime
// holds two files of the control group itself.)
var endsOfBazel = []string{
	"return from main", "os.Exit(0)", "os.Exit(3)", "log.Fatal", "syscall.Exit(3)", "raw exit_group(3)",
	"panic in main", "panic in another goroutine", "runtime.Goexit in main", "fatal error: unlock of unlocked mutex",
	"stack overflow", "nil dereference",
	"SIGTERM, no handler", "SIGTERM, signal.Notify and a shutdown", "SIGTERM during cleanup, default action restored",
	"SIGQUIT, no handler", "SIGUSR1, no handler", "SIGKILL", "SIGKILL in the middle of a loop", "SIGSTOP, then SIGKILL",
	"syscall.Exec of /bin/true",
}

// bazelCells are all cells of bazel/cells.json.
func bazelCells() []bazelCell {
	var all []bazelCell
	add := func(name string, step parent.Step, status string, images ...counts) {
		step.Argv = slices.Clone(step.Argv)
		all = append(all, bazelCell{
			Cell:   parent.Cell{Name: name, Steps: []parent.Step{step}, Statuses: map[string]int{status: 1}},
			counts: sum(images...),
		})
	}
	for _, name := range endsOfBazel {
		e := end(name)
		add(name, e.step("SUBJECT", "OTHER"), e.Status, image, e.Counts)
		c := &all[len(all)-1]
		c.tally, c.slack = e.Tally, e.Slack
	}
	killed := sum(image, blocked)
	self, other := end("syscall.Exec of itself, then SIGKILL"), end("syscall.Exec of another covered binary")
	add(self.Name, self.step("SUBJECT", "OTHER"), self.Status, sum(image, counts{"exec-self": 1}, must(1)), killed)
	add(other.Name, other.step("SUBJECT", "OTHER"), other.Status, sum(image, counts{"exec-other": 1}), otherImage)

	command := counts{"command": 1, "must": 1}
	step := func(place, script string, words ...string) parent.Step {
		return parent.Step{Argv: append([]string{"SUBJECT"}, words...), Place: place, Script: script}
	}
	for _, place := range []string{"empty environment", "closed standard files", "session"} {
		add(place, step(place, "ready 9", "block", "DIR"), "signal: killed", killed)
	}
	add("shell script", step("shell script", "ready 9", "block", "DIR"), "exit status 0", killed)
	add("grandchild", step("child", "ready 9", "parent", "DIR", "block", "DIR"), "exit status 6", parentCounts(true), killed)
	add("daemon", step("detached", "ready 9 gone", "daemon", "DIR", "block", "DIR"), "exit status 0",
		sum(image, counts{"daemon": 1}, command), sum(image, counts{"orphan": 1}, command), killed)
	add("daemon, still running", step("detached", "ready", "daemon", "DIR", "block", "DIR"), "exit status 0",
		sum(image, counts{"daemon": 1}, command), sum(image, counts{"orphan": 1}, command), killed)
	return all
}

// TestBazelCells compares bazel/cells.json with the tables.
func TestBazelCells(t *testing.T) {
	var cells []parent.Cell
	for _, c := range bazelCells() {
		cells = append(cells, c.Cell)
	}
	want, err := json.MarshalIndent(cells, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	file := filepath.Join("bazel", "cells.json")
	if *update {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not what the tables say (%v); go test -C e2e/matrix -run TestBazelCells -update writes it anew", file, err)
	}
}

// TestBazel runs the cells, and test binaries that are helper processes of their
// own, under bazel coverage.
func TestBazel(t *testing.T) {
	if !*bazel {
		t.Skip("without -bazel")
	}
	t.Cleanup(func() { bazelw(t, "shutdown") })
	bazelw(t, "coverage", "--nocache_test_results", "--nozip_undeclared_test_outputs", "--instrumentation_filter=^//",
		"//bazel:bazel_test", "//helper:helper_test")

	t.Run("counts", func(t *testing.T) {
		want, slack := counts{}, counts{}
		for _, c := range bazelCells() {
			want, slack = sum(want, c.counts), sum(slack, c.slack)
			for _, tag := range c.tally {
				want[tag] += c.outputs().tally(t)
			}
		}
		compareTags(t, "bazel/bazel_test", want, slack)
	})
	t.Run("test binaries", func(t *testing.T) {
		// The test itself, and what it starts: a test, a TestMain, and a test
		// that is killed.
		compareTags(t, "helper/helper_test", sum(helperWork.Times(1+1+20+3), must(6), counts{
			"helper.start": 2, "helper.process": 2, "helper.start-and-kill": 1, "helper.hang": 1, "park": 1,
		}), nil)
	})
	_, subject := mustCovered(t, kind("atomic"), "subject")
	_, other := mustCovered(t, kind("atomic"), "other")
	for _, c := range bazelCells() {
		t.Run(c.Name, func(t *testing.T) { c.compareOutput(t, strings.NewReplacer("SUBJECT", subject, "OTHER", other)) })
	}
}

// outputs is the cell's folder in the outputs of the test.
func (c *bazelCell) outputs() *folder {
	return &folder{filepath.Join("bazel-testlogs", "bazel", "bazel_test", "test.outputs", "cells", c.Name)}
}

// compareOutput compares what the processes wrote under Bazel with what they
// write without coverage and without Bazel.
func (c *bazelCell) compareOutput(t *testing.T, programs *strings.Replacer) {
	t.Helper()
	bare := newFolder(t)
	r, err := c.Run(bare.dir, programs)
	if err != nil || r.Error != "" {
		t.Fatal(err, r.Error)
	}
	defer bare.end()
	view := &Cell{Kind: kind("atomic"), Head: true, Sorted: true}
	for _, file := range []string{parent.OutFile, parent.ErrFile} {
		without, with := view.normal(bare, file), view.normal(c.outputs(), file)
		if without != withoutPaths(with) && withoutPaths(without) != withoutPaths(with) {
			t.Errorf("%s without coverage:\n%s\nand with:\n%s", file, without, with)
		}
	}
}

// withoutPaths takes out the folder that a cell's process tells of.
func withoutPaths(s string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		if i := strings.Index(line, "/"); i >= 0 {
			line = line[:i] + "...\n"
		}
		b.WriteString(strings.ReplaceAll(line, "DIR", "..."))
	}
	return b.String()
}

// compareTags compares the line of every tag in a test's tracefile with what
// must have run.
func compareTags(t *testing.T, test string, want, slack counts) {
	t.Helper()
	got, err := taggedLines(filepath.Join("bazel-testlogs", filepath.FromSlash(test), "coverage.dat"))
	if err != nil {
		t.Fatal(err)
	}
	for tag, n := range want {
		if count, ok := got[tag]; (!ok || count < n || count > n+slack[tag]) && !tags.Opens(tag) {
			t.Errorf("%s: count %d (in the tracefile: %v), want %d", tag, count, ok, n)
		}
	}
	for tag, count := range got {
		if want[tag] == 0 && count != 0 && !tags.Opens(tag) {
			t.Errorf("%s: count %d, want 0", tag, count)
		}
	}
}

// taggedLines reads the counts of the lines that bear tags.
func taggedLines(tracefile string) (counts, error) {
	f, err := os.Open(tracefile)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	got := counts{}
	source := ""
	s := bufio.NewScanner(f)
	for s.Scan() {
		if name, ok := strings.CutPrefix(s.Text(), "SF:"); ok {
			source = name
		}
		var line int
		var count uint64
		if n, _ := fmt.Sscanf(s.Text(), "DA:%d,%d", &line, &count); n == 2 {
			if tag, ok := tags.At(module+"/"+source, line); ok {
				got[tag] = count
			}
		}
	}
	return got, s.Err()
}

// bazelw runs Bazel in this module.
func bazelw(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.Command(filepath.Join("..", "..", "bazelw"), args...)
	cmd.Env = environment()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("bazelw %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}
