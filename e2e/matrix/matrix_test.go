//go:build linux

package matrix

import (
	"slices"
	"strings"
	"testing"

	"example.com/matrix/internal/oracle"
	"example.com/matrix/internal/parent"
)

// TestEnds runs every way to end as a child of a test.
func TestEnds(t *testing.T) {
	for _, e := range ends {
		if e.Cgo {
			continue
		}
		t.Run(e.Name, func(t *testing.T) {
			t.Parallel()
			e.cell(t, kind("atomic")).run(t)
		})
	}
}

// endsOfKinds are the ends that every kind of binary is tried with.
var endsOfKinds = []string{
	"return from main", "os.Exit(3)", "panic in main", "fatal error: unlock of unlocked mutex",
	"SIGTERM, no handler", "SIGTERM, signal.Notify and a shutdown", "SIGKILL", "SIGKILL in the middle of a loop",
	"SIGQUIT, no handler", "syscall.Exec of itself, then SIGKILL", "syscall.Exec of another covered binary",
	"out of file descriptors, then returns", "deadlock", "stack overflow",
	"segmentation fault in C", "abort() in C", "exit(3) in C",
}

// TestKinds runs a handful of ends with every kind of binary.
func TestKinds(t *testing.T) {
	for _, k := range kinds {
		if k.Test || k.Name == "atomic" || k.Stock {
			continue
		}
		for _, name := range endsOfKinds {
			e := end(name)
			if e.without(k) != "" {
				continue
			}
			t.Run(k.Name+"/"+name, func(t *testing.T) {
				t.Parallel()
				e.cell(t, k).run(t)
			})
		}
	}
}

// TestStock runs every end with a binary of Go's own, and shows what is lost
// without covwrap's runtime.
func TestStock(t *testing.T) {
	k := kind("go build -cover alone")
	for _, e := range ends {
		if e.without(k) != "" {
			continue
		}
		t.Run(e.Name, func(t *testing.T) {
			t.Parallel()
			e.cell(t, k).run(t)
		})
	}
}

// without says why there is no cell of this end and that kind of binary.
func (e *End) without(k *Kind) string {
	switch {
	case e.Cgo && !strings.HasPrefix(k.Name, "cgo"):
		return "needs cgo"
	case e.Name == "deadlock" && strings.HasPrefix(k.Name, "cgo"):
		return "a runtime with cgo looks for no deadlock"
	case e.NoRace != "" && k.Name == "race":
		return e.NoRace
	case k.Name == "race" && e.Tally != nil:
		return "the tally is atomic, and so not one more race, but -race makes the program too slow to be worth the wait"
	}
	return ""
}

// cell is the cell of the end, for a child of that kind of binary.
func (e *End) cell(t *testing.T, k *Kind) *Cell {
	t.Helper()
	covered, twin := mustCovered(t, k, "subject")
	other, otherTwin := covered, twin
	if strings.Contains(e.Args, "OTHER") {
		other, otherTwin = mustCovered(t, k, "other")
	}
	c := &Cell{
		Kind: k, Steps: []parent.Step{e.step(covered, other)}, Twin: []parent.Step{e.step(twin, otherTwin)},
		Statuses: map[string]int{e.Status: 1}, Tally: e.Tally, Images: max(e.Images, 1), Head: e.Dump,
		Want: oracle.Want{Counts: sum(image, e.Counts, k.Image.Times(e.subjects())), Slack: e.Slack},
	}
	switch {
	case e.Half:
		c.Stock = Some
	case !e.Flush:
		c.Stock = None
	}
	return c
}

// subjects counts the images that are of the subject.
func (e *End) subjects() uint64 {
	if strings.Contains(e.Args, "OTHER") {
		return 1
	}
	return uint64(max(e.Images, 1))
}

// step is the end as its parent does it.
func (e *End) step(bin, other string) parent.Step {
	s := parent.Step{Argv: append([]string{bin}, e.arguments(other)...), Place: "child", Script: e.Script, Limit: e.Limit, Pipe: e.Pipe}
	if e.Group {
		s.Place = "process group"
	}
	return s
}

// arguments are NAME DIR REST...
func (e *End) arguments(other string) []string {
	words := strings.Fields(strings.ReplaceAll(e.Args, "OTHER", other))
	return slices.Insert(words, 1, "DIR")
}
