//go:build linux

// Command soak runs 10,000 short children through one launcher and checks that
// nothing grows and nothing stays: the sum is exact, the launcher's memory and
// open files are as many at the end as at the beginning, and no process, file
// or mount is left.
//
//	bench/run soak [-n 10000] [-at-once 50] [-aggregate off|auto|on]
package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/covwrap/covwrap/bench/internal/crowd"
)

func main() { crowd.Or(run) }

func run(args []string, stdout, stderr io.Writer) int {
	var s soak
	flags := flag.NewFlagSet("soak", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&s.children, "n", 10000, "number of `children`")
	flags.IntVar(&s.atOnce, "at-once", 50, "how many of them at the same `time`")
	flags.StringVar(&s.aggregate, "aggregate", "off", "when they count into one `map`, as of \"covwrap run\"")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if s.children < 100 || s.children%4 != 0 {
		fmt.Fprintln(stderr, "soak: -n must be a multiple of 4, and 100 at least")
		return 2
	}
	if err := s.run(); err != nil {
		fmt.Fprintln(stderr, "soak:", err)
		return 1
	}
	w := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	for _, r := range s.rows {
		fmt.Fprintln(w, r)
	}
	w.Flush()
	for _, wrong := range s.wrong {
		fmt.Fprintln(stderr, "soak: WRONG:", wrong)
	}
	if s.wrong != nil {
		return 1
	}
	return 0
}

// soak is one run.
type soak struct {
	children, atOnce int
	aggregate        string
	dir              string
	samples          []sample
	rows, wrong      []string
}

func (s *soak) path(name string) string { return filepath.Join(s.dir, name) }

func (s *soak) row(what, format string, args ...any) {
	s.rows = append(s.rows, what+"\t"+fmt.Sprintf(format, args...))
}

func (s *soak) wrongf(format string, args ...any) {
	s.wrong = append(s.wrong, fmt.Sprintf(format, args...))
}

func (s *soak) run() error {
	var err error
	if s.dir, err = os.MkdirTemp("", "covwrap-soak-"); err != nil {
		return err
	}
	defer os.RemoveAll(s.dir)
	if err := s.build(); err != nil {
		return err
	}
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return err
	}
	if err := s.launch(); err != nil {
		return err
	}
	if err := s.exact(); err != nil {
		return err
	}
	s.flat()
	return s.clean(mounts)
}

func (s *soak) build() error {
	for _, argv := range [][]string{
		{"go", "build", "-o", s.path("covwrap"), "./tools/covwrap"},
		{s.path("covwrap"), "go", "build", "-cover", "-covermode=atomic", "-o", s.path("program"), "./bench/soak/program"},
	} {
		cmd := exec.Command(argv[0], argv[1:]...)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", strings.Join(argv, " "), err, out)
		}
	}
	return os.Mkdir(s.path("tmp"), 0o755)
}

// launch runs the children under one launcher, and watches the launcher.
func (s *soak) launch() error {
	argv, err := crowd.Argv(s.children, s.atOnce, s.path("program"))
	if err != nil {
		return err
	}
	argv = append([]string{"run", "--quiet", "--aggregate=" + s.aggregate, "--profile=" + s.path("profile"), "--json=" + s.path("ledger"), "--"}, argv...)
	cmd := exec.Command(s.path("covwrap"), argv...)
	cmd.Env = append(os.Environ(), "TMPDIR="+s.path("tmp"))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return err
	}
	stop := make(chan bool)
	watched := make(chan []sample)
	go func() { watched <- watch(cmd.Process.Pid, stop) }()
	err = cmd.Wait()
	close(stop)
	s.samples = <-watched
	if err != nil {
		return fmt.Errorf("covwrap run: %w\n%s", err, out.Bytes())
	}
	took := time.Since(start)
	s.row("children", "%d, %d at once, in %.1f s (%.2f ms each)", s.children, s.atOnce, took.Seconds(), took.Seconds()*1000/float64(s.children))
	quarter := s.children / 4
	want := fmt.Sprintf("%[1]d exit status 0\n%[1]d exit status 2\n%[1]d exit status 3\n%[1]d signal: killed\n", quarter)
	if out.String() != want {
		s.wrongf("the children ended so:\n%swant:\n%s", out.String(), want)
	}
	return nil
}
