//go:build unix

// Command child measures what coverage costs the children of a test: programs
// of 85,000 blocks (bench/gen), built without coverage, by covwrap, by
// `go build -cover`, and by rules_go with its own exit hook.
//
//	go run ./bench/child             all but rules_go
//	go run ./bench/child -bazel      rules_go too (builds with ./bazelw, minutes)
//
// Runs of the programs are interleaved and the median counts, so that ratios
// hold on a machine that does other things as well. Each row has the figure to
// reach; with -strict a row that misses it is exit status 1.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/covwrap/covwrap/bench/internal/crowd"
)

func main() { crowd.Or(run) }

func run(args []string, stdout, stderr io.Writer) int {
	var b bench
	flags := flag.NewFlagSet("child", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&b.rounds, "n", 150, "interleaved `runs` of each program")
	flags.IntVar(&b.blocks, "blocks", 85000, "`size` of the program")
	bazel := flags.Bool("bazel", false, "also rules_go's own hook, built by ./bazelw")
	strict := flags.Bool("strict", false, "exit status 1 if a figure is missed")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	err := b.measure(*bazel, stderr)
	b.table(stdout)
	switch {
	case err != nil:
		fmt.Fprintln(stderr, "bench/child:", err)
		return 1
	case *strict && slices.ContainsFunc(b.rows, func(r row) bool { return r.missed }):
		return 1
	}
	return 0
}

// bench is one run of the benchmark.
type bench struct {
	rounds, blocks int
	dir            string // everything lies in it
	covwrap        string // the tool
	launcher       string // what the rules start
	programs       []*program
	mapSize        int64 // room that one counter map takes on the disk
	rows           []row
}

// row is one line of the table.
type row struct {
	what, figure, aim string
	missed            bool
}

func (b *bench) add(what, figure string) { b.rows = append(b.rows, row{what, figure, "", false}) }

// aim adds a row with a figure to reach.
func (b *bench) aim(what, figure, aim string, reached bool) {
	b.rows = append(b.rows, row{what, figure, aim, !reached})
}

func (b *bench) table(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range b.rows {
		verdict := ""
		if r.aim != "" {
			verdict = "aim " + r.aim
			if r.missed {
				verdict += ": MISSED"
			}
		}
		fmt.Fprintf(t, "%s\t%s\t%s\n", r.what, r.figure, verdict)
	}
	t.Flush()
}

func (b *bench) measure(bazel bool, progress io.Writer) error {
	var err error
	if b.dir, err = os.MkdirTemp("", "covwrap-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	steps := []struct {
		what string
		do   func() error
	}{
		{"building", b.build},
		{"building with rules_go", func() error { return b.buildRulesGo(bazel) }},
		{"one child after the other", b.oneByOne},
		{"200 children at once", b.atOnce},
		{"2,000 children together", b.together},
		{"collecting 1,000 children", b.collect},
		{"the launcher alone", b.launcherAlone},
	}
	for _, s := range steps {
		fmt.Fprintf(progress, "%s ...\n", s.what)
		if err := s.do(); err != nil {
			return fmt.Errorf("%s: %w", s.what, err)
		}
	}
	return nil
}

// path is a name in the benchmark's folder.
func (b *bench) path(name string) string { return filepath.Join(b.dir, name) }

func median(all []time.Duration) time.Duration {
	sorted := slices.Clone(all)
	slices.Sort(sorted)
	return sorted[len(sorted)/2]
}

func ms(d time.Duration) string { return fmt.Sprintf("%.2f ms", d.Seconds()*1000) }
