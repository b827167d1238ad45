//go:build linux

package matrix

import (
	"testing"

	"example.com/matrix/internal/oracle"
	"example.com/matrix/internal/parent"
)

// helperWork is a call of helper.Work.
var helperWork = sum(counts{"helper.work": 1}, sevens)

// testEnds are the ways for a test binary to end.
var testEnds = []struct {
	Name   string
	Test   string
	Flags  []string
	Script string
	Status string
	Counts counts
	Images int
	Dump   bool
	Flush  bool // Go writes counters at this end (with -test.gocoverdir)
}{
	{Name: "the test passes", Test: "TestPass", Status: "exit status 0", Counts: helperWork, Flush: true},
	{Name: "the test fails", Test: "TestFail", Status: "exit status 1", Counts: helperWork, Flush: true},
	{Name: "the test is skipped", Test: "TestSkip", Status: "exit status 0", Counts: helperWork, Flush: true},
	{Name: "the test panics", Test: "TestPanic", Status: "exit status 2", Counts: sum(helperWork, counts{"helper.break": 1})},
	{Name: "the test calls os.Exit(3)", Test: "TestExit", Status: "exit status 3", Counts: helperWork},
	{Name: "the test is killed", Test: "TestHang", Script: "ready 9", Status: "signal: killed", Counts: sum(helperWork, counts{"helper.hang": 1, "park": 1})},
	{
		Name: "the test times out", Test: "TestHang", Flags: []string{"-test.timeout=5s"}, Script: "ready", Status: "exit status 2", Dump: true,
		Counts: sum(helperWork, counts{"helper.hang": 1, "park": 1}),
	},
	{Name: "parallel tests", Test: "TestParallel", Status: "exit status 0", Counts: helperWork.Times(20), Flush: true},
	{
		Name: "its own helper (-test.run=TestHelperProcess) calls os.Exit(3)", Test: "TestStartsTest", Status: "exit status 0", Images: 2,
		Counts: sum(helperWork, counts{"helper.start": 1, "helper.process": 1}),
	},
	{
		Name: "its own helper (TestMain) calls os.Exit(3)", Test: "TestStartsMain", Status: "exit status 0", Images: 2,
		Counts: sum(helperWork, counts{"helper.start": 1, "helper.process": 1}),
	},
	{
		Name: "its own helper is killed", Test: "TestStartsAndKills", Status: "exit status 0", Images: 2,
		Counts: sum(helperWork, must(6), counts{"helper.start-and-kill": 1, "helper.hang": 1, "park": 1}),
	},
}

// TestTestBinary runs a covered test binary through all of them.
func TestTestBinary(t *testing.T) {
	for _, e := range testEnds {
		t.Run(e.Name, func(t *testing.T) {
			t.Parallel()
			k := kind("test binary")
			covered, twin := mustCovered(t, k, "helper")
			step := func(bin string) []parent.Step {
				argv := append([]string{bin, "-test.run=^" + e.Test + "$"}, e.Flags...)
				return []parent.Step{{Argv: append(argv, "--", "test", "DIR"), Place: "child", Script: e.Script}}
			}
			c := &Cell{
				Kind: k, Steps: step(covered), Twin: step(twin), Images: max(e.Images, 1), Head: e.Dump,
				Statuses: map[string]int{e.Status: 1}, Want: oracle.Want{Counts: e.Counts},
			}
			c.run(t)
		})
	}
}
