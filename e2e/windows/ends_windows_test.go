package windows

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/windows"

	"example.com/windows/console"
)

// always runs in every subject.
var always = counts{"main": 1, "end": 1, "work": 1, "loop": 10}

// controlC is the status of a process that a console event has ended.
const controlC = "exit status 0xc000013a"

// TestEnds: programs that end by themselves. Nothing about them changes, and
// what counters there are, the report has.
func TestEnds(t *testing.T) {
	for _, e := range []struct {
		way    string
		status string
		counts counts // beside always
		lost   bool
		how    string // in which the counters were collected
	}{
		{"return", "exit status 0", counts{"return": 1}, false, "stock"},
		{"exit 0", "exit status 0", counts{"exit": 1}, false, "stock"},
		{"exit 3", "exit status 3", counts{"exit": 1}, false, "stock"},
		{"exit 255", "exit status 255", counts{"exit": 1}, false, "stock"},
		{"exit 4294967295", "exit status 0xffffffff", counts{"exit": 1}, false, "stock"},
		{"exit 3221225786", controlC, counts{"exit": 1}, false, "stock"},
		{"fatal", "exit status 1", counts{"fatal": 1}, false, "stock"},
		{"panic", "exit status 2", nil, true, ""},
		{"panic-deferred", "exit status 2", counts{"deferred": 1}, false, "flush"},
		{"copy", "exit status 0", counts{"copy": 1, "fall": 1}, false, "stock"},
		{"flushed-return", "exit status 0", counts{"flushed-return": 1, "after": 1, "work": 1, "loop": 10, "fall": 1}, false, "stock"},
	} {
		t.Run(strings.ReplaceAll(e.way, " ", "-"), func(t *testing.T) {
			input := "a\x00b\xff\r\n\x1a\n" // text mode would change it
			way := strings.Fields(e.way)
			want := command(t, strings.NewReader(input), "plain.exe", way...)
			if want.status != e.status {
				t.Errorf("without coverage it ends by %s, want %s", want.status, e.status)
			}
			got, c, l := covered(t, strings.NewReader(input), nil, "subject.exe", way...)
			if got != want {
				t.Errorf("with covwrap\n%+v\nwithout\n%+v", got, want)
			}
			if e.way == "copy" && got.stdout != input {
				t.Errorf("copied %q", got.stdout)
			}
			if e.lost {
				check(t, c, counts{}, l, "spawned 1, covered 1, collected 0")
				missing(t, l, "no-counters", "built for coverage, but exited with status 2 without leaving counters")
				return
			}
			check(t, c, always.plus(e.counts), l, "spawned 1, covered 1, collected 1")
			if len(l.Children) != 1 || l.Children[0].Collected != e.how || "exit status "+statusText(l.Children[0].Ended) != e.status {
				t.Errorf("children: %+v", l.Children)
			}
		})
	}
}

// statusText is a status as package os prints it.
func statusText(e ended) string {
	if e.Code == nil {
		return "unknown"
	}
	if code := uint32(*e.Code); code >= 1<<16 {
		return fmt.Sprintf("%#x", code)
	}
	return strconv.Itoa(*e.Code)
}

// check compares counts and numbers.
func check(t *testing.T, got, want counts, l ledger, numbers string) {
	t.Helper()
	for _, d := range differences(got, want) {
		t.Error(d)
	}
	if l.numbers() != numbers {
		t.Errorf("%s; want %s\nchildren: %+v\nleft out: %+v", l.numbers(), numbers, l.Children, l.LeftOut)
	}
	if len(l.Trouble) > 0 {
		t.Errorf("trouble: %+v", l.Trouble)
	}
}

// missing checks that the ledger names the one process that is left out, and
// how to mend it.
func missing(t *testing.T, l ledger, slug, why string) {
	t.Helper()
	if len(l.LeftOut) != 1 {
		t.Errorf("left out: %+v; want one", l.LeftOut)
		return
	}
	m := l.LeftOut[0]
	if m.Slug != slug || m.Why != why || !strings.Contains(m.Mend, "call package embed") || m.PID == 0 || len(m.Argv) < 2 {
		t.Errorf("left out: %+v; want %s: %s", m, slug, why)
	}
}

// TestChildEnds: a child that its parent ends.
func TestChildEnds(t *testing.T) {
	parent := always.plus(counts{"parent": 1, "act": 1, "child": 1, "code": 1})
	breaks := counts{"break": 1}
	for _, e := range []struct {
		act, way string
		status   string // of the child
		parent   counts
		must     uint64 // calls in the parent
		child    counts // nil: all is lost
		how      string
		why      string
	}{
		// CTRL_BREAK, to the child's own process group.
		{"break", "wait", controlC, breaks, 5, nil, "", "exited with status -1073741510"},
		{"break", "cleanup", controlC, breaks, 5, counts{"cleanup": 1, "park": 1}, "flush", ""},
		{"break", "notify", "exit status 5", breaks, 5, counts{"notify": 1, "shutdown": 1}, "stock", ""},
		{"break", "cleanup-notify", "exit status 5", breaks, 5, counts{"both": 1, "shutdown": 1}, "stock", ""},
		// Ctrl-C, to everybody at the console: covwrap and the tests, too.
		{"interrupt", "wait", controlC, counts{"interrupt": 1}, 5, nil, "", "exited with status -1073741510"},
		{"interrupt", "cleanup", controlC, counts{"interrupt": 1}, 5, counts{"cleanup": 1, "park": 1}, "flush", ""},
		{"interrupt", "notify", "exit status 5", counts{"interrupt": 1}, 5, counts{"notify": 1, "shutdown": 1}, "stock", ""},
		{"interrupt", "cleanup-notify", "exit status 5", counts{"interrupt": 1}, 5, counts{"both": 1, "shutdown": 1}, "stock", ""},
		// Go does not ignore what a program for Windows wants it to ignore.
		{"interrupt", "ignore", controlC, counts{"interrupt": 1}, 5, nil, "", "exited with status -1073741510"},
		// TerminateProcess.
		{"terminate", "wait", "exit status 1", counts{"terminate": 1}, 5, nil, "", "exited with status 1"},
		{"terminate", "cleanup", "exit status 1", counts{"terminate": 1}, 5, nil, "", "exited with status 1"},
		{"terminate", "flushed", "exit status 1", counts{"terminate": 1}, 5, counts{"flushed": 1}, "flush", ""},
		// An end of its own.
		{"close", "wait", "exit status 0", counts{"close": 1}, 5, counts{"wait": 1, "park": 1, "fall": 1}, "stock", ""},
		{"close", "flushed", "exit status 0", counts{"close": 1}, 5, counts{"flushed": 1, "after": 1, "work": 1, "loop": 10, "park": 1, "fall": 1}, "stock", ""},
	} {
		t.Run(e.act+"-"+e.way, func(t *testing.T) {
			want := command(t, nil, "plain.exe", "parent", e.act, e.way)
			if !strings.HasSuffix(want.stdout, "child: "+e.status+"\n") || want.status != "exit status 0" || want.stderr != "" {
				t.Errorf("without coverage: %+v; want a child with %s", want, e.status)
			}
			got, c, l := covered(t, nil, nil, "subject.exe", "parent", e.act, e.way)
			if got != want {
				t.Errorf("with covwrap\n%+v\nwithout\n%+v", got, want)
			}
			all := parent.plus(e.parent).plus(counts{"must": e.must})
			if e.child == nil {
				check(t, c, all, l, "spawned 2, covered 2, collected 1")
				missing(t, l, "no-counters", "built for coverage, but "+e.why+" without leaving counters")
				return
			}
			check(t, c, all.plus(always).plus(e.child), l, "spawned 2, covered 2, collected 2")
			if n := howMany(l, e.how); n == 0 {
				t.Errorf("no child is collected by %s: %+v", e.how, l.Children)
			}
		})
	}
}

// howMany counts the children that were collected in a way.
func howMany(l ledger, how string) (n int) {
	for _, m := range l.Children {
		if m.Collected == how {
			n++
		}
	}
	return n
}

var left = regexp.MustCompile(`(?m)^left (\d+)\r?$`)

// TestLeftBehind: a process that outlives the test is ended by the launcher,
// and named if its counters are lost by that.
func TestLeftBehind(t *testing.T) {
	for _, act := range []string{"leave", "leave-group"} {
		t.Run(act, func(t *testing.T) {
			start := time.Now()
			got, c, l := covered(t, nil, []string{"--grace=0s"}, "subject.exe", "parent", act, "stay")
			took := time.Since(start)
			if got.status != "exit status 0" || got.stderr != "" {
				t.Errorf("%+v", got)
			}
			m := left.FindStringSubmatch(got.stdout)
			if m == nil {
				t.Fatalf("%+v", got)
			}
			pid, _ := strconv.Atoi(m[1]) // digits by the expression
			if runs(t, pid) {
				t.Errorf("process %d still runs", pid)
			}
			want := always.plus(counts{"parent": 1, "act": 1, act: 1, "child": 1, "must": 4, "done": 1})
			switch {
			case act == "leave":
				// It is in the launcher's own group, to which nothing is sent.
				check(t, c, want, l, "spawned 2, covered 2, collected 1")
				missing(t, l, "no-counters", "built for coverage, but exited with status 1 without leaving counters")
			case console.Wine():
				// CTRL_BREAK does not reach its handler: see package console. That
				// it was sent shows by the time that the launcher gives it.
				check(t, c, want, l, "spawned 2, covered 2, collected 1")
				missing(t, l, "no-counters", "built for coverage, but exited with status 1 without leaving counters")
				if took < 2*time.Second {
					t.Errorf("it was not asked to end, but ended, after %v", took)
				}
			default:
				check(t, c, want.plus(always).plus(counts{"stay": 1}), l, "spawned 2, covered 2, collected 2")
			}
		})
	}
}

// TestGrace: a process that outlives the test, but not the grace, is left alone.
func TestGrace(t *testing.T) {
	// The end of its standard input, which is its parent's end, ends it.
	got, c, l := covered(t, nil, []string{"--grace=10m"}, "subject.exe", "parent", "leave", "wait")
	if got.status != "exit status 0" || got.stderr != "" {
		t.Errorf("%+v", got)
	}
	want := always.plus(counts{"parent": 1, "act": 1, "leave": 1, "child": 1, "must": 4, "done": 1})
	check(t, c, want.plus(always).plus(counts{"wait": 1, "park": 1, "fall": 1}), l, "spawned 2, covered 2, collected 2")
}

// runs reports whether a process runs.
func runs(t *testing.T, pid int) bool {
	t.Helper()
	h, err := windows.OpenProcess(windows.SYNCHRONIZE, false, uint32(pid))
	if err != nil {
		return false
	}
	defer windows.CloseHandle(h)
	event, err := windows.WaitForSingleObject(h, 0)
	if err != nil {
		t.Fatal(err)
	}
	return event == uint32(windows.WAIT_TIMEOUT)
}

// TestLauncherKilled: all that the launcher has started ends with it.
func TestLauncherKilled(t *testing.T) {
	list := filepath.Join(t.TempDir(), "ledger")
	cmd := exec.Command(filepath.Join(programs, "covwrap.exe"), "run", "--json="+list, "--", filepath.Join(programs, "subject.exe"), "wait")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	timer := time.AfterFunc(deadline, func() { t.Error("it hangs"); stdin.Close(); cmd.Process.Kill() })
	defer timer.Stop()
	if _, err := io.ReadFull(stdout, make([]byte, len("ready\n"))); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	// The subject has the other end, and holds it until it ends.
	if rest, err := io.ReadAll(stdout); err != nil || len(rest) > 0 {
		t.Errorf("%q, %v", rest, err)
	}
	cmd.Wait()
	if _, err := os.Stat(list); err == nil {
		t.Error("there is a ledger")
	}
}

// TestBreakAway: a process may leave the job object as it may leave none.
func TestBreakAway(t *testing.T) {
	want := command(t, nil, "plain.exe", "parent", "break-away", "wait")
	got, c, l := covered(t, nil, nil, "subject.exe", "parent", "break-away", "wait")
	if got != want || got.status != "exit status 0" {
		t.Errorf("with covwrap\n%+v\nwithout\n%+v", got, want)
	}
	all := always.plus(always).plus(counts{"parent": 1, "act": 1, "break-away": 1, "child": 1, "must": 5, "code": 1, "wait": 1, "park": 1, "fall": 1})
	check(t, c, all, l, "spawned 2, covered 2, collected 2")
}

// TestPool: every process is seen, none twice.
func TestPool(t *testing.T) {
	got, c, l := covered(t, nil, nil, "subject.exe", "pool")
	if got != (result{"exit status 0", "", ""}) {
		t.Errorf("%+v", got)
	}
	want := always.plus(counts{"pool": 1, "begin": 1, "worker": 5, "works": 5, "task": 20, "must": 20, "feed": 1, "send": 20, "wait-all": 1, "fall": 1})
	for range 20 {
		want = want.plus(always).plus(counts{"exit": 1})
	}
	check(t, c, want, l, "spawned 21, covered 21, collected 21")
	for _, m := range l.Children {
		if m.Ended.String() != "exit 0 by us false" {
			t.Errorf("%+v", m)
		}
	}
}

// TestStock: a program without covwrap's runtime is collected when it ends by
// itself, and named when it does not.
func TestStock(t *testing.T) {
	got, c, l := covered(t, nil, nil, "stock.exe", "exit", "3")
	if got != (result{"exit status 3", "", ""}) {
		t.Errorf("%+v", got)
	}
	check(t, c, always.plus(counts{"exit": 1}), l, "spawned 1, covered 1, collected 1")
	_, c, l = covered(t, nil, nil, "stock.exe", "panic")
	check(t, c, counts{}, l, "spawned 1, covered 1, collected 0")
	missing(t, l, "no-counters", "built for coverage, but exited with status 2 without leaving counters")
}

// TestOnMissing: a process without counters makes a run fail that is to.
func TestOnMissing(t *testing.T) {
	r, _, _ := covered(t, nil, []string{"--on-missing=fail"}, "subject.exe", "parent", "terminate", "wait")
	if r.status != "exit status 3" {
		t.Errorf("%+v", r)
	}
}

// TestUncovered: a program without coverage is none that is missing.
func TestUncovered(t *testing.T) {
	got, c, l := covered(t, nil, []string{"--on-missing=fail"}, "plain.exe", "exit", "7")
	if got != (result{"exit status 7", "", ""}) {
		t.Errorf("%+v", got)
	}
	check(t, c, counts{}, l, "spawned 1, covered 0, collected 0")
	got, _, _ = covered(t, nil, []string{}, "subject.exe", "parent", "close", "return")
	if got.status != "exit status 1" { // the child is not ready, ever
		t.Errorf("%+v", got)
	}
}
