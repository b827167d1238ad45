//go:build linux

package matrix

import (
	"fmt"
	"os"
	"path/filepath"
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
- Linux: run, on amd64. On arm64 the same code is built and vetted, not run.
- macOS and Windows: counters are written when Go runs its exit hooks; a signal is an end with exit hooks for a program
  that handles it, or that calls ` + "`embed.CleanupOnSignal`" + `. These columns follow from the column of
  ` + "`go build -cover`" + `, which was run on Linux; they were not run on those systems.

## Ways to end

| a child that ends by | Linux | macOS, Windows | plain ` + "`go build -cover`" + ` |
| --- | --- | --- | --- |
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
		fmt.Fprintf(&b, "| %s | exact | %s | %s |\n", e.Name, elsewhere, stock)
	}
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
