//go:build linux

package matrix

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestDocs compares docs/matrix.md with the tables that the other tests run.
func TestDocs(t *testing.T) {
	file := filepath.Join("..", "..", "docs", "matrix.md")
	want := page()
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not what the tables say; go test -C e2e/matrix -run TestDocs -update writes it anew", file)
	}
}

// page is docs/matrix.md.
func page() string {
	var b strings.Builder
	b.WriteString(`# What holds, for every way a process can end

This page is generated from the tables of [e2e/matrix](../e2e/matrix), which runs each cell on Linux and compares: every
block of every file with its exact count, the tracefile line by line, the exit status, the bytes on standard output and
standard error with those of the same program built without coverage, the ledger, and that no process is left behind.
Write it anew with ` + "`go test -C e2e/matrix -run TestDocs -update`" + `.

- **exact**: all counts, of all processes, are in the report.
- **lost**: nothing of that process is.
- Linux: run, on amd64. On arm64, [e2e/arm64](../e2e/arm64) runs return, os.Exit(3), panic, exit_group, SIGTERM, SIGKILL and
  syscall.Exec of itself under qemu-user, in each mode: exact. The rest of this page is not run there.
- macOS and Windows: counters are written when Go runs its exit hooks; a signal is an end with exit hooks for a program
  that handles it, or that calls ` + "`embed.CleanupOnSignal`" + `. What the column of Windows marks with "Wine" is run by
  [e2e/windows](../e2e/windows) under Wine 10.0; the rest, and all of macOS, follows from the column of
  ` + "`go build -cover`" + `, which was run on Linux, and was not run there. For macOS everything is built and vetted.

## Ways to end

| a child that ends by | Linux | macOS | Windows | plain ` + "`go build -cover`" + ` |
| --- | --- | --- | --- | --- |
`)
	for _, e := range ends {
		stock, elsewhere := "lost", "lost"
		switch {
		case e.Half:
			stock, elsewhere = "the last image only", "the last image only"
		case e.Flush:
			stock, elsewhere = "exact", "exact"
		case strings.HasPrefix(e.Status, "signal: ") && e.Status != "signal: killed" && e.Status != "signal: broken pipe":
			elsewhere = "lost, unless embed.CleanupOnSignal"
		}
		if e.Cgo {
			stock = "lost, not run"
		}
		fmt.Fprintf(&b, "| %s | exact | %s | %s | %s |\n", e.Name, elsewhere, onWindows(e, elsewhere), stock)
	}
	b.WriteString(windowsPage)
	b.WriteString("\n## Test binaries\n\n`covwrap go test -c`, run as a child. The same ends of a `go_test` are in e2e/smoke.\n\n| a test binary | Linux |\n| --- | --- |\n")
	for _, e := range testEnds {
		fmt.Fprintf(&b, "| %s | exact |\n", e.Name)
	}
	b.WriteString("\n## Places in the tree of processes\n\nEach with: " + strings.Join(endsOfPlaces, "; ") + ".\n\n| place | Linux |\n| --- | --- |\n")
	for _, p := range places {
		note := "exact"
		if p.kernel() {
			note = "exact, SIGTERM apart: the kernel keeps default actions of signals from the first process of a pid namespace"
		}
		fmt.Fprintf(&b, "| %s | %s |\n", p.Name, note)
	}
	for _, name := range []string{
		"daemon that is still running when the test ends (the launcher ends it)", "the same, which ignores SIGTERM",
		"a pool of workers, closed and joined", "a pool of workers, terminated in mid-work", "a child cancelled by its context",
		"2,000 children, 200 at once", "200 children, all killed by SIGKILL at once",
		"two binaries that share packages", "a binary that is built anew between two starts, under the same name",
	} {
		fmt.Fprintf(&b, "| %s | exact |\n", name)
	}
	b.WriteString("\n## The program that the launcher starts\n\nWhat the launcher's parent sees of these is what it sees without the launcher, a signal included; counts are exact:\n" +
		strings.Join(endsOfLauncher, "; ") + "; SIGKILL, SIGINT, SIGHUP and SIGPIPE raised by the program itself.\n")
	b.WriteString("\n## Under Bazel\n\nOne `covwrap_go_test` starts these, built by `covwrap_go_binary`, under `bazel coverage`; all exact, with the same output and exit status as without:\n\n")
	for _, c := range bazelCells() {
		fmt.Fprintf(&b, "- %s\n", c.Name)
	}
	b.WriteString("- a `covwrap_go_test` that starts itself: as a test that calls os.Exit, as a TestMain that does, and as a test that is killed\n")
	b.WriteString("\n## Kinds of binary\n\nEach with: " + strings.Join(endsOfKinds, "; ") + ".\n\n| built | Linux |\n| --- | --- |\n")
	for _, k := range kinds {
		if k.Test || k.Stock {
			continue
		}
		note := "exact"
		var missing []string
		for _, name := range endsOfKinds {
			if why := end(name).without(k); why != "" && why != "needs cgo" {
				missing = append(missing, name+": "+why)
			}
		}
		if k.Set {
			note = "exact: counts are 0 and 1 per process, a tracefile has the sum"
		}
		if missing != nil {
			note += ". No cell of " + strings.Join(missing, "; ")
		}
		fmt.Fprintf(&b, "| %s (`%s`) | %s |\n", k.Name, strings.Join(append(append([]string{}, k.Cover...), k.Flags...), " "), note)
	}
	b.WriteString(`
## Attacks and accidents

A child does this to the profile directory, between one covered child that returned and one that is killed. The result of the
program never changes; what the ledger names:

| a child leaves, or does | the covered children | the ledger names |
| --- | --- | --- |
`)
	for _, a := range attacks {
		kept := "exact"
		if a.Lost {
			kept = "what was collected before"
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", a.Name, kept, strings.Join(append(a.Slugs, optional(a.May)...), ", "))
	}
	b.WriteString(`
The program, or the launcher, finds no room. It must not notice; the other children are exact:

| where | this child | the ledger names |
| --- | --- | --- |
`)
	for _, l := range limits {
		kept := "lost, and named"
		if l.Collected > 0 && !l.twice {
			kept = "exact"
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", l.name, kept, strings.Join(append(l.Slugs, seen(l.May)...), ", "))
	}
	b.WriteString(`| no more processes and threads (control group) when the launcher is to clean up | exact | |

What cannot hold:

- A process that truncates the counter map of a live one ends that one by SIGBUS, as with any file that is mapped. To delete
  the map, or the whole profile directory, does no harm to it.
- What a program does before the runtime of covwrap is initialised (nearly nothing: only packages of the standard library come
  before) is counted, but a process that dies there has no map.
- A process without a view of the profile directory (another root folder, a mount namespace that hides it) has no map.
`)
	return b.String()
}

// underWine are the ends that e2e/windows runs, too: what its table calls them.
var underWine = map[string]string{
	"return from main":                     `"return", "exit status 0"`,
	"os.Exit(0)":                           `"exit 0", "exit status 0"`,
	"os.Exit(3)":                           `"exit 3", "exit status 3"`,
	"log.Fatal":                            `"fatal", "exit status 1"`,
	"panic in main":                        `"panic", "exit status 2"`,
	"SIGKILL":                              `"terminate", "wait"`,
	"SIGINT, no handler":                   `"interrupt", "wait"`,
	"SIGINT, signal.Ignore":                `"interrupt", "ignore"`,
	"SIGINT, signal.Notify and a shutdown": `"interrupt", "notify"`,
}

// onWindows is the cell of the column of Windows.
func onWindows(e *End, derived string) string {
	switch _, run := underWine[e.Name]; {
	case e.Name == "SIGINT, signal.Ignore":
		return "lost (Wine): Go does not ignore it there, and the process ends"
	case run:
		return derived + " (Wine)"
	case strings.HasPrefix(e.Name, "SIGINT,") || strings.HasPrefix(e.Name, "SIGKILL"):
		return derived
	case strings.HasPrefix(e.Name, "SIG") || strings.HasPrefix(e.Name, "real-time") || strings.Contains(e.Name, "signal"):
		return "no such signal"
	case strings.HasPrefix(e.Name, "syscall.Exec"):
		return "no exec"
	case strings.Contains(e.Name, "exit_group") || strings.HasPrefix(e.Name, "gives up root"):
		return "no such call"
	}
	return derived
}

// TestUnderWine: what the page says is run by e2e/windows is in its tables.
func TestUnderWine(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "windows", "ends_windows_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for name, cell := range underWine {
		if !strings.Contains(string(text), "{"+cell+", ") {
			t.Errorf("%s: e2e/windows has no %s", name, cell)
		}
		if !slices.ContainsFunc(ends, func(e *End) bool { return e.Name == name }) {
			t.Errorf("there is no end %q", name)
		}
	}
}

const windowsPage = `
On Windows SIGKILL is TerminateProcess and SIGINT is Ctrl-C or CTRL_BREAK. Also run under Wine, by e2e/windows, with exact counts,
the exit status and the standard files of the program without coverage:

| Windows | what is kept |
| --- | --- |
| panic with ` + "`defer embed.Cleanup()`" + ` | exact |
| CTRL_BREAK to a process group, no handler | lost, and named |
| CTRL_BREAK or Ctrl-C, embed.CleanupOnSignal(os.Interrupt) | exact |
| CTRL_BREAK or Ctrl-C, signal.Notify and a shutdown, with embed.CleanupOnSignal and without | exact |
| TerminateProcess after embed.Cleanup | exact up to that call |
| exit statuses of all 32 bits | exact |
| twenty children, five at once | exact; the ledger has each, with its status |
| a child that leaves the job object (CREATE_BREAKAWAY_FROM_JOB) | exact; it may leave |
| a child that outlives the test, in the launcher's process group | terminated; lost, and named |
| a child that outlives the test, in a process group of its own | gets CTRL_BREAK (Wine shows only that it is sent), and is terminated 2 seconds later |
| the launcher is terminated | all processes end with it |

Counter maps are for Linux: Windows maps no file over pages that an image occupies (MapViewOfFileEx: ERROR_INVALID_ADDRESS, under
Wine too).
`

func seen(slugs []string) []string {
	var all []string
	for _, s := range slugs {
		all = append(all, s+" (if it lives long enough to be seen)")
	}
	return all
}

func optional(slugs []string) []string {
	var all []string
	for _, s := range slugs {
		all = append(all, s+" (if it was not collected yet)")
	}
	return all
}
