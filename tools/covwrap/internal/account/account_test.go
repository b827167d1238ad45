package account

import (
	"testing"
	"time"

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
			processes, order := group(test.seen)
			var elsewhere []*collect.Child
			for i := range test.data {
				if _, image := find(processes, order, &test.data[i]); image == nil {
					elsewhere = append(elsewhere, &test.data[i])
				}
			}
			markShortlived(order, elsewhere)
			for _, p := range order {
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
