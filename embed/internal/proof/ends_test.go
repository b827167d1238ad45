//go:build linux

package proof

import (
	"regexp"
	"strings"
	"testing"

	"github.com/covwrap/covwrap/embed/countermap"
)

// ends are the ways that end one process image after work.Do(7).
var ends = []struct {
	way   string
	exit  countermap.Exit
	calls uint32 // of work.Do
	loop  uint32
	// deadlyToEdges: nothing of the process runs at its end, so that counters
	// which are not mapped are lost.
	deadlyToEdges bool
	head          bool // of the output, only the first line is the same every time
}{
	{way: "return", exit: countermap.ExitSuccess},
	{way: "exit", exit: countermap.ExitFailure},
	{way: "panic", deadlyToEdges: true},
	{way: "panic-goroutine", deadlyToEdges: true},
	{way: "fatal", deadlyToEdges: true, head: true},
	{way: "deadlock", deadlyToEdges: true},
	{way: "stack", deadlyToEdges: true, head: true},
	{way: "segv", deadlyToEdges: true, head: true},
	{way: "raw-exit", deadlyToEdges: true},
	{way: "kill", deadlyToEdges: true},
	{way: "term", deadlyToEdges: true},
	{way: "int", deadlyToEdges: true},
	{way: "hup", deadlyToEdges: true},
	{way: "quit", deadlyToEdges: true, head: true},
	{way: "sigterm-notify", exit: countermap.ExitSuccess},
	{way: "chdir", calls: 2, loop: 14, deadlyToEdges: true},
	{way: "nofile", exit: countermap.ExitSuccess, calls: 2, loop: 14},
	{way: "net", deadlyToEdges: true},
	{way: "exec-true", deadlyToEdges: true},
}

// address is where a stack trace has numbers that depend on the code or on luck.
var address = regexp.MustCompile(`\+?0x[0-9a-f]+|goroutine [0-9]+`)

var mainFile = regexp.MustCompile(`\S*/main\.go`)

func TestEnds(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			bin := k.build(t)
			reference := plain.build(t)
			for _, e := range ends {
				t.Run(e.way, func(t *testing.T) {
					if strings.HasPrefix(k.name, "race") && e.way == "fatal" {
						t.Skip("the race detector reports it first")
					}
					if k.cgo() && e.way == "deadlock" {
						t.Skip("Go does not look for deadlocks in a program with cgo")
					}
					dir := profileDir(t)
					got := run(t, dir, bin, e.way, "7")
					m := one(t, k, dir, e.way, "7")
					calls, loop := max(e.calls, 1), max(e.loop, 7)
					if k.edges && e.deadlyToEdges {
						// All of this small program's counters are on the last page.
						calls, loop = 0, 0
					}
					want(t, k, m, loop, calls)
					exit := e.exit
					if k.carrier == "import" {
						exit = countermap.ExitUnknown
					}
					if m.Exit != exit {
						t.Errorf("the process noted its end as %d, want %d", m.Exit, exit)
					}
					if k.carrier == "import" && e.way == "nofile" {
						// Go's own exit code, which an import cannot switch off,
						// says that it cannot open its file.
						got.stderr = ""
					}
					same(t, got, run(t, dir, reference, e.way, "7"), k, e.head)
				})
			}
		})
	}
}

// same compares a covered process with the one that is not covered.
func same(t *testing.T, got, plain result, k *kind, head bool) {
	t.Helper()
	for _, r := range []*result{&got, &plain} {
		r.stderr = address.ReplaceAllString(r.stderr, "0x")
		// The two are built in different folders.
		r.stderr = mainFile.ReplaceAllString(r.stderr, "main.go")
		if head {
			r.stderr, _, _ = strings.Cut(r.stderr, "\n")
		}
	}
	if strings.HasPrefix(k.name, "race") {
		// The race detector changes the exit status of crashes.
		if got.stdout != plain.stdout {
			t.Errorf("stdout %q, without coverage %q", got.stdout, plain.stdout)
		}
		return
	}
	if got != plain {
		t.Errorf("got\n%+v\nwithout coverage\n%+v", got, plain)
	}
}
