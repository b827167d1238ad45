//go:build linux

package matrix

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"example.com/matrix/internal/oracle"
	"example.com/matrix/internal/parent"
)

// Place is where in a tree of processes the subject stands.
type Place struct {
	Name  string
	Place string // what its parent does (parent.Places)
	Under string // arguments of the subject's own process, or processes, above it
	Above int    // how many processes those are
	// Counts are those of the processes above; failed is whether the subject
	// ends with anything but exit status 0.
	Counts func(failed bool) counts
	Status func(status string) string // of the outermost process; nil: the subject's own
	// Detached says that nobody waits for the subject.
	Detached bool
	Cannot   string // why there are no exact counts here
}

// parentCounts are those of a process that starts a child and waits for it.
func parentCounts(failed bool) counts {
	c := sum(image, counts{"parent": 1, "command": 1}, must(1))
	if failed {
		return sum(c, counts{"parent.failed": 1, "main.exit": 1})
	}
	return sum(c, counts{"parent.succeeded": 1})
}

func parentStatus(status string) string {
	if status == "exit status 0" {
		return status
	}
	return "exit status 6"
}

func success(string) string { return "exit status 0" }

var places = []*Place{
	{Name: "child", Place: "child"},
	{Name: "grandchild", Place: "child", Under: "parent", Above: 1, Counts: parentCounts, Status: parentStatus},
	{
		Name: "great-grandchild", Place: "child", Under: "parent parent", Above: 2, Status: parentStatus,
		Counts: func(failed bool) counts { return sum(parentCounts(failed), parentCounts(failed)) },
	},
	{
		Name: "daemon (double fork, setsid, parents gone)", Place: "detached", Under: "daemon", Above: 2, Detached: true, Status: success,
		Counts: func(bool) counts {
			return sum(image.Times(2), counts{"daemon": 1, "orphan": 1, "command": 2}, must(4))
		},
	},
	{Name: "empty environment", Place: "empty environment"},
	{Name: "other working directory", Place: "other directory"},
	{Name: "closed stdin, stdout and stderr", Place: "closed standard files"},
	{Name: "own process group", Place: "process group"},
	{Name: "own session", Place: "session"},
	{Name: "dropped uid", Place: "dropped uid"},
	{Name: "own pid namespace", Place: "pid namespace"},
	{Name: "own mount namespace", Place: "mount namespace"},
	{Name: "own pid and mount namespace with its own /proc", Place: "pid and mount namespace, own /proc"},
	{Name: "child of a shell script", Place: "shell script", Status: success},
	{Name: "child of a Python script", Place: "Python script", Status: success},
}

// endsOfPlaces are the ends that every place is tried with.
var endsOfPlaces = []string{"return from main", "os.Exit(3)", "panic in main", "SIGTERM, no handler", "SIGKILL", "SIGKILL in the middle of a loop", "syscall.Exec of itself, then SIGKILL"}

// TestPlaces runs a handful of ends in every place.
func TestPlaces(t *testing.T) {
	for _, p := range places {
		for _, name := range endsOfPlaces {
			e := end(name)
			t.Run(p.Name+"/"+name, func(t *testing.T) {
				t.Parallel()
				p.needs(t, name)
				p.cell(t, e).run(t)
			})
		}
	}
}

// needs skips a test of a place that cannot be made here.
func (p *Place) needs(t *testing.T, end string) {
	t.Helper()
	for _, in := range parent.Places {
		if in.Name == p.Place && in.Root && os.Geteuid() != 0 {
			t.Skip("only root can make this place")
		}
	}
	if p.Place == "Python script" {
		if _, err := exec.LookPath("python3"); err != nil {
			t.Skip("no python3 here")
		}
	}
	if p.kernel() && strings.HasPrefix(end, "SIGTERM") {
		t.Skip("the kernel keeps default actions of signals from the first process of a pid namespace")
	}
}

// kernel reports whether the subject is the first process of a pid namespace.
func (p *Place) kernel() bool { return strings.HasPrefix(p.Place, "pid ") }

// cell is the cell of the end in this place.
func (p *Place) cell(t *testing.T, e *End) *Cell {
	t.Helper()
	c := e.cell(t, kind("atomic"))
	failed := e.Status != "exit status 0"
	if p.Counts != nil {
		c.Want.Counts = sum(c.Want.Counts, p.Counts(failed))
	}
	c.Images += p.Above
	if p.Status != nil {
		c.Statuses = map[string]int{p.Status(e.Status): 1}
	}
	for _, steps := range [][]parent.Step{c.Steps, c.Twin} {
		s := &steps[0]
		s.Place = p.Place
		for _, word := range reversed(strings.Fields(p.Under)) {
			s.Argv = append([]string{s.Argv[0], word, "DIR"}, s.Argv[1:]...)
		}
		if p.Detached {
			s.Script += " gone"
		}
	}
	return c
}

func reversed(words []string) []string {
	var r []string
	for _, w := range words {
		r = append([]string{w}, r...)
	}
	return r
}

// TestRunning leaves a daemon running at the end of the test.
func TestRunning(t *testing.T) {
	daemon := places[3]
	for _, tc := range []struct {
		name, end string
		counts    counts
	}{
		{"waiting", "SIGKILL", blocked},
		{"waiting, SIGTERM ignored", "SIGTERM, signal.Ignore", end("SIGTERM, signal.Ignore").Counts},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := daemon.cell(t, end(tc.end))
			c.Steps[0].Script, c.Twin[0].Script = "ready", "ready"
			c.Grace = "100ms"
			c.run(t)
		})
	}
}

// sevens is a call of work.Seven.
var sevens = counts{
	"work.seven": 1, "work.loop": 7, "work.sum": 1,
	"work.odd": 7, "work.odd.yes": 3, "work.odd.no": 4,
}

// scene is a cell of kind "atomic" in which the subject runs with these
// arguments, as a child.
func scene(t *testing.T, args, script, status string, images int, want counts) *Cell {
	t.Helper()
	e := &End{Args: args, Script: script, Status: status, Images: images, Counts: want}
	return e.cell(t, kind("atomic"))
}

// poolCounts are those of a pool of 4 workers that do 5 jobs each, apart from
// how it ends.
var poolCounts = sum(
	counts{
		"pool": 1, "pool.hire": 4, "hire": 4, "command": 4, "pool.jobs": 1, "pool.job": 20, "do": 20,
		"pool.done": 1, "pool.rest": 1, "pool.close": 4, "pool.return": 1,
	},
	must(2+4*(1+3)),
	sum(image, counts{"worker": 1, "worker.job": 5, "worker.done": 5}, sevens.Times(5)).Times(4),
)

func TestPool(t *testing.T) {
	t.Run("closed and joined", func(t *testing.T) {
		t.Parallel()
		c := scene(t, "pool 4 5 join", "", "exit status 0", 5, sum(poolCounts, counts{"worker.return": 4}))
		c.run(t)
	})
	t.Run("terminated in mid-work", func(t *testing.T) {
		t.Parallel()
		c := scene(t, "pool 4 5 terminate", "", "exit status 7", 5, sum(poolCounts, must(4), counts{
			"pool.terminate": 1, "terminate": 1, "terminate.begin": 4, "do": 4,
			"terminate.all": 1, "terminate.signal": 4, "terminate.return": 1, "main.exit": 1,
			"worker.job": 4, "worker.endless": 4,
		}, sevens.Times(4)))
		c.run(t)
	})
}

// TestCancel ends a child of the subject by the cancel function of its context.
func TestCancel(t *testing.T) {
	t.Parallel()
	scene(t, "cancel block DIR", "", "exit status 0", 2,
		sum(image, counts{"cancel": 1, "command": 1}, must(3), blocked)).run(t)
}

// TestCrowd starts 2,000 children, 200 at once, and kills 200 that are all alive.
func TestCrowd(t *testing.T) {
	for _, tc := range []struct {
		name, end      string
		copies, atOnce int
	}{
		{"2,000 children, 200 at once, return", "return from main", 2000, 200},
		{"200 children at once, SIGKILL", "SIGKILL", 200, 200},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := end(tc.end).cell(t, kind("atomic"))
			for _, s := range []*parent.Step{&c.Steps[0], &c.Twin[0]} {
				s.Copies, s.AtOnce = tc.copies, tc.atOnce
			}
			c.Statuses = map[string]int{end(tc.end).Status: tc.copies}
			c.Want.Counts = c.Want.Counts.Times(uint64(tc.copies))
			c.Images, c.Sorted = tc.copies, true
			c.run(t)
		})
	}
}

// TestSharedPackages runs two binaries that have packages in common.
func TestSharedPackages(t *testing.T) {
	t.Parallel()
	c := end("SIGKILL").cell(t, kind("atomic"))
	other, otherTwin := mustCovered(t, kind("atomic"), "other")
	second := parent.Step{Argv: []string{other, "wait", "DIR"}, Place: "child", Script: "ready 9"}
	c.Steps = append(c.Steps, second)
	second.Argv = []string{otherTwin, "wait", "DIR"}
	c.Twin = append(c.Twin, second)
	c.Statuses = map[string]int{"signal: killed": 2}
	c.Want.Counts = sum(c.Want.Counts, otherImage)
	c.Images = 2
	c.run(t)
}

// TestRebuilt runs a binary, builds it again from other sources, and runs it
// again under the same name.
func TestRebuilt(t *testing.T) {
	t.Parallel()
	first, firstTwin := mustCovered(t, kind("atomic"), "subject")
	second, secondTwin := mustCovered(t, kind("atomic"), "subject", "version2")
	steps := func(bins ...string) []parent.Step {
		var all []parent.Step
		for _, bin := range bins {
			all = append(all, parent.Step{
				Install: &[2]string{bin, "DIR/program"}, Argv: []string{"DIR/program", "version", "DIR"}, Place: "child", Script: "ready 9",
			})
		}
		return all
	}
	c := &Cell{
		Kind: kind("atomic"), Steps: steps(first, second), Twin: steps(firstTwin, secondTwin), Images: 2,
		Statuses: map[string]int{"signal: killed": 2},
		Want: oracle.Want{Counts: sum(image.Times(2), counts{
			"version": 2, "park": 2,
			"version.1": 1, "version.2": 1, "version.2.more": 1, "version.2.return": 1,
		})},
	}
	c.run(t)
}
