package account

import (
	"reflect"
	"runtime"
	"testing"
	"time"

	"github.com/covwrap/covwrap/embed/countermap"
	"github.com/covwrap/covwrap/tools/covwrap/internal/collect"
	"github.com/covwrap/covwrap/tools/covwrap/internal/launch"
	"github.com/covwrap/covwrap/tools/covwrap/internal/ledger"
	"github.com/covwrap/covwrap/tools/covwrap/internal/proctree"
)

// TestNamespaces: each process is number 1 of a pid namespace of its own, and
// has data. None is missing and none is counted twice, though what was seen of
// them does not tell them apart.
func TestNamespaces(t *testing.T) {
	const ns, ticks, exe = 4026532000, 1234, "/bin/program"
	argv := []string{"program", "x"}
	child := func(ns uint64) collect.Child {
		return collect.Child{Child: ledger.Child{PID: 1, Exe: exe, Argv: argv}, PIDNS: ns, Ticks: ticks}
	}
	for name, test := range map[string]struct {
		seen []*proctree.Process
		data []collect.Child
	}{
		"both seen": {
			[]*proctree.Process{{PID: 70, PIDNS: ns, InnerPID: 1}, {PID: 71, PIDNS: ns + 1, InnerPID: 1}},
			[]collect.Child{child(ns), child(ns + 1)},
		},
		"the number of the namespace came around": {
			[]*proctree.Process{{PID: 70, PIDNS: ns, InnerPID: 1}, {PID: 71, PIDNS: ns, InnerPID: 1}},
			[]collect.Child{child(ns), child(ns)},
		},
		"gone before its inner number was read": {
			[]*proctree.Process{{PID: 70, PIDNS: ns}, {PID: 71, PIDNS: ns + 1, InnerPID: 1}},
			[]collect.Child{child(ns), child(ns + 1)},
		},
		"gone before its namespace was read": {
			[]*proctree.Process{{PID: 70}, {PID: 71, PIDNS: ns, InnerPID: 1}},
			[]collect.Child{child(ns), child(ns)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, p := range test.seen {
				p.Ticks, p.Exe, p.Argv, p.Seen = ticks, exe, argv, time.Now()
			}
			seen := group(test.seen)
			var elsewhere []*collect.Child
			for i := range test.data {
				if _, image := seen.find(&test.data[i]); image == nil {
					elsewhere = append(elsewhere, &test.data[i])
				}
			}
			markShortlived(seen.order, elsewhere)
			for _, p := range seen.order {
				if !touched(p) {
					t.Errorf("process %d is missing", p.images[0].PID)
				}
			}
			var l ledger.Ledger
			Build(&l, &launch.Outcome{Processes: test.seen, Collected: &collect.Result{Children: test.data}}, 0)
			if l.Covered != 2 || l.Collected != 2 || len(l.LeftOut) != 0 {
				t.Errorf("%d covered, %d collected, left out %v; want 2, 2, none", l.Covered, l.Collected, l.LeftOut)
			}
		})
	}
}

// TestTogether: processes that count together are accounted for each, seen or
// not, by number or by image; and one beside them that left nothing is.
func TestTogether(t *testing.T) {
	const own, other, exe = 4026531836, 4026532000, "/gone/program"
	seen := []*proctree.Process{
		{PID: 10, Ticks: 1},
		{PID: 20, Ticks: 5, Exe: exe, Argv: []string{"a"}},               // joined, twice
		{PID: 21, Ticks: 5, Exe: exe, Argv: []string{"b"}},               // left nothing
		{PID: 30, Ticks: 6, Exe: exe, Argv: []string{"c"}, PIDNS: other}, // gone before its inner number was read
	}
	at := time.Now()
	for _, p := range seen {
		p.Seen = at
	}
	joined := func(pid int, ns, ticks uint64) collect.Joined {
		return collect.Joined{Record: countermap.Record{PID: pid, PIDNS: ns, Ticks: ticks, Start: at}, Exe: exe}
	}
	result := &collect.Result{
		Children: []collect.Child{{Child: ledger.Child{Collected: "aggregate", Processes: 5}}},
		Joined: []collect.Joined{
			joined(20, own, 5), joined(20, own, 5), joined(1, other, 6),
			joined(22, own, 5), joined(21, own, 9), // not seen; the second has the number of another
		},
	}
	var l ledger.Ledger
	Build(&l, &launch.Outcome{Processes: seen, Collected: result}, 0)
	if l.Covered != 5 || l.Collected != 5 || l.SpawnedAtLeast != 6 || l.Spawned != 8 || len(l.Children) != 1 {
		t.Errorf("spawned %d (%d), covered %d, collected %d, children %v", l.Spawned, l.SpawnedAtLeast, l.Covered, l.Collected, l.Children)
	}
	want := []ledger.Trouble{{Slug: "executable-gone", Text: "1 processes left no counters and ran executables that no longer exist; whether they were built for coverage is not known"}}
	if !reflect.DeepEqual(l.Trouble, want) {
		t.Errorf("trouble %v, want %v", l.Trouble, want)
	}
}

// TestSeenAfter: a process that was first seen when it ran another program has
// become that one; any other ends as the process does.
func TestSeenAfter(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no process becomes another program here")
	}
	start := time.Now()
	for name, test := range map[string]struct {
		image proctree.Process
		want  string
	}{
		"another program":                  {proctree.Process{Exe: "/bin/sleep", Argv: []string{"sleep", "2"}, Seen: start.Add(1)}, ledger.Execed},
		"its parent's, before it was one":  {proctree.Process{Exe: "/bin/sh", Argv: []string{"sh"}, Seen: start.Add(-1)}, ledger.Signaled},
		"itself, from another root folder": {proctree.Process{Exe: "/root/bin/program", Argv: []string{"program", "x"}, Seen: start.Add(1)}, ledger.Signaled},
		"itself, deleted":                  {proctree.Process{Exe: "/bin/program (deleted)", Argv: []string{"renamed"}, Seen: start.Add(1)}, ledger.Signaled},
		"dead":                             {proctree.Process{Seen: start.Add(1)}, ledger.Signaled},
		"dead but for its name":            {proctree.Process{Argv: []string{"sleep"}, Seen: start.Add(1)}, ledger.Signaled},
	} {
		p := test.image
		p.PID, p.Ticks, p.Ended = 20, 5, &proctree.End{Signal: 9}
		result := &collect.Result{Children: []collect.Child{{
			Child: ledger.Child{PID: 20, Exe: "/bin/program", Argv: []string{"program", "x"}, Start: start, Collected: "map"}, Ticks: 5,
		}}}
		var l ledger.Ledger
		Build(&l, &launch.Outcome{Processes: []*proctree.Process{&p}, Collected: result}, 0)
		if got := l.Children[0].Ended.How; got != test.want {
			t.Errorf("%s: ended %q, want %q", name, got, test.want)
		}
	}
}
