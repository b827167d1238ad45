package cli

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/covwrap/covwrap/embed/countermap"
	"github.com/covwrap/covwrap/embed/phase"
	"github.com/covwrap/covwrap/tools/covwrap/internal/atomicfile"
	"github.com/covwrap/covwrap/tools/covwrap/internal/gocmd"
	"github.com/covwrap/covwrap/tools/covwrap/internal/lines"
	"github.com/covwrap/covwrap/tools/covwrap/internal/live"
	"github.com/covwrap/covwrap/tools/covwrap/internal/srcpath"
	"github.com/covwrap/covwrap/tools/covwrap/internal/tally"
	"github.com/covwrap/covwrap/tools/covwrap/internal/textprofile"
)

// dirFlag adds the flag for the profile directory.
func dirFlag(f *flag.FlagSet) *string {
	return f.String("dir", "", "the profile directory `FOLDER` (default: COVWRAP_DIR, else wherever running processes have theirs)")
}

// directory is the profile directory that the flag, else the environment names.
func directory(flag string) string {
	if flag != "" {
		return flag
	}
	return getenvDir()
}

const snapshotHelp = `Usage: covwrap snapshot [FLAGS] [PID...]

Shows what running processes have covered so far, or saves it, without
disturbing them. Without PIDs: all processes of the profile directory, or of
this machine.
`

// Snapshot is "covwrap snapshot".
func Snapshot(args []string, stdio Stdio) int {
	f := newFlags("snapshot")
	dir := dirFlag(f)
	lcovFile := f.String("lcov", "", "write a tracefile to `FILE`")
	profile := f.String("profile", "", "write a Go text coverage profile to `FILE`")
	root := f.String("root", "", "make file names of the tracefile relative to `FOLDER` (default: the current one)")
	if status, done := parse(f, snapshotHelp, args, stdio); done {
		return status
	}
	pids, err := numbers(f.Args())
	if err != nil {
		return misuse(f, err, stdio)
	}
	where := *dir
	if len(pids) == 0 {
		where = directory(where)
	} // else wherever they are: the processes themselves say it best
	files, err := live.Find(where, pids)
	if err != nil {
		return fail(stdio, "snapshot", err)
	}
	if len(files) == 0 {
		fmt.Fprintln(stdio.Err, "covwrap snapshot: no running process has a counter map; build programs with \"covwrap go build\" and start them with \"covwrap run\", or with COVWRAP_DIR set to a folder")
		return exitFailure
	}
	reader := live.NewReader()
	t := tally.New()
	var processes []*live.Process
	status := exitOK
	for i, file := range files {
		p, err := reader.Read(file)
		if err != nil {
			status = fail(stdio, "snapshot", err)
			continue
		}
		p.AddTo(t, i)
		processes = append(processes, p)
	}
	printProcesses(stdio.Out, processes, t)
	if *profile != "" {
		p, _ := profileOf(t.Packages, mode(processes), nil)
		if err := atomicfile.Write(*profile, p.Write); err != nil {
			return fail(stdio, "snapshot", err)
		}
	}
	if *lcovFile != "" {
		if err := writeTracefile(*lcovFile, *root, t.Packages, stdio); err != nil {
			return fail(stdio, "snapshot", err)
		}
	}
	return status
}

// mode is the counter mode of the processes, the one that says most if they
// differ.
func mode(processes []*live.Process) string {
	m := "set"
	for _, p := range processes {
		m = finerMode(m, p.Meta.Mode.String())
	}
	return m
}

// finerMode returns the more precise of two counter modes.
func finerMode(a, b string) string {
	order := []string{"set", "count", "atomic"}
	if slices.Index(order, b) > slices.Index(order, a) {
		return b
	}
	return a
}

// printProcesses prints one line a process and their sum.
func printProcesses(w io.Writer, processes []*live.Process, t *tally.Tally) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, p := range processes {
		ran, all := p.Statements()
		who, what := nameOf(p)
		fmt.Fprintf(tw, "%s\t%s\t%d of %d statements\t  %s\n", who, percent(ran, all), ran, all, what)
	}
	ran, all := live.Statements(t.Packages)
	fmt.Fprintf(tw, "all\t%s\t%d of %d statements\t  %s\n", percent(ran, all), ran, all, plural(count(processes), "process", "processes"))
	tw.Flush()
}

// nameOf is a process's number and command line; those that count together are
// known by how many run and by their executable.
func nameOf(p *live.Process) (who, what string) {
	if p.Map.Flags&countermap.Aggregate != 0 {
		return fmt.Sprintf("%d together", len(p.PIDs)), commandLine([]string{p.Map.Exe}, 60)
	}
	return strconv.Itoa(p.Map.PID), commandLine(p.Map.Argv, 60)
}

// count is how many processes run.
func count(processes []*live.Process) (n int) {
	for _, p := range processes {
		n += len(p.PIDs)
	}
	return n
}

func percent(part, all int) string {
	if all == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f%%", 100*float64(part)/float64(all))
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// commandLine is a command line for one line of output, at most width wide.
func commandLine(argv []string, width int) string {
	s := strings.Join(argv, " ")
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, s)
	if r := []rune(s); len(r) > width {
		return string(r[:width-3]) + "..."
	}
	return s
}

// profileOf makes a text profile of sums, without the files named in without,
// and says how many files it left out.
func profileOf(packages []*tally.Package, mode string, without map[string]bool) (p *textprofile.Profile, dropped int) {
	p = &textprofile.Profile{Mode: mode}
	out := map[string]bool{}
	for _, pkg := range packages {
		for i, fn := range pkg.Funcs {
			if without[fn.File] {
				out[fn.File] = true
				continue
			}
			counts := pkg.Func(i)
			for j, u := range fn.Units {
				p.Add(textprofile.Block{
					File: fn.File, StartLine: int(u.StartLine), StartCol: int(u.StartCol),
					EndLine: int(u.EndLine), EndCol: int(u.EndCol), Stmts: int(u.Stmts),
				}, counts[j])
			}
		}
	}
	return p, len(out)
}

// writeTracefile writes the sums with names of the working tree.
func writeTracefile(file, root string, packages []*tally.Package, stdio Stdio) error {
	var names []string
	for _, p := range packages {
		for _, f := range p.Funcs {
			names = append(names, f.File)
		}
	}
	slices.Sort(names)
	paths := resolver(root, stdio)(slices.Compact(names))
	name := func(n string) string {
		if p := paths[n]; p != "" {
			return p
		}
		return n
	}
	out, refused := lines.Files(packages, name)
	for _, err := range refused {
		fmt.Fprintf(stdio.Err, "covwrap: %v\n", err)
	}
	return atomicfile.Write(file, func(w io.Writer) error { return lines.WriteLCOV(w, nil, out) })
}

// resolver returns what translates Go's file names into paths relative to root
// ("" for the current folder). Names that it does not know are left out, and
// said so.
func resolver(root string, stdio Stdio) func(names []string) map[string]string {
	return func(names []string) map[string]string {
		dir, err := os.Getwd()
		if err == nil && root != "" {
			root, err = filepath.Abs(root)
		}
		if err != nil {
			fmt.Fprintf(stdio.Err, "covwrap: warning: source files keep their import paths: %v [source-not-found]\n", err)
			return nil
		}
		tool, _ := gocmd.Tool() // without it, names are found without it
		paths, unknown := srcpath.New(dir, root, tool).Resolve(names)
		for _, n := range unknown {
			delete(paths, n)
		}
		if len(unknown) > 0 {
			fmt.Fprintf(stdio.Err, "covwrap: warning: %s not found in this working tree, first %s: reports name it by its import path; run covwrap in the folder of its module [source-not-found]\n",
				plural(len(unknown), "source file was", "source files were"), unknown[0])
		}
		return paths
	}
}

func numbers(args []string) ([]int, error) {
	var pids []int
	for _, a := range args {
		n, err := strconv.Atoi(a)
		if err != nil || n <= 0 {
			return nil, fmt.Errorf("%q is no process number", a)
		}
		pids = append(pids, n)
	}
	return pids, nil
}

const markHelp = `Usage: covwrap mark [--dir=FOLDER] NAME

Begins a phase: what all processes of the profile directory count from now on
is reported under NAME as well as in the total. From a program:
embed.Mark("NAME").
`

// MarkPhase is "covwrap mark".
func MarkPhase(args []string, stdio Stdio) int {
	f := newFlags("mark")
	dir := dirFlag(f)
	if status, done := parse(f, markHelp, args, stdio); done {
		return status
	}
	if f.NArg() != 1 {
		return misuse(f, errors.New("it takes one NAME"), stdio)
	}
	if err := phase.CheckName(f.Arg(0)); err != nil {
		return misuse(f, err, stdio)
	}
	return inDirectory(directory(*dir), "mark", stdio, func(dir string) error { return phase.Mark(dir, f.Arg(0)) })
}

const resetHelp = `Usage: covwrap reset [--dir=FOLDER]

Drops everything that was counted so far in the profile directory, also by
processes that have ended, from the reports. The processes are not disturbed.
`

// Reset is "covwrap reset".
func Reset(args []string, stdio Stdio) int {
	f := newFlags("reset")
	dir := dirFlag(f)
	if status, done := parse(f, resetHelp, args, stdio); done {
		return status
	}
	if f.NArg() != 0 {
		return misuse(f, fmt.Errorf("%q is one word too many", f.Arg(0)), stdio)
	}
	return inDirectory(directory(*dir), "reset", stdio, phase.Reset)
}

// inDirectory finds the profile directory and does something in it.
func inDirectory(dir, command string, stdio Stdio, do func(dir string) error) int {
	if dir == "" {
		files, err := live.Find("", nil)
		if err != nil {
			return fail(stdio, command, err)
		}
		var dirs []string
		for _, file := range files {
			dirs = append(dirs, filepath.Dir(file))
		}
		slices.Sort(dirs)
		dirs = slices.Compact(dirs)
		switch len(dirs) {
		case 0:
			return fail(stdio, command, fmt.Errorf("no COVWRAP_DIR, and no running process has a counter map; say --dir"))
		case 1:
			dir = dirs[0]
		default:
			return fail(stdio, command, fmt.Errorf("running processes use %d profile directories; say which with --dir:\n  %s", len(dirs), strings.Join(dirs, "\n  ")))
		}
	}
	if err := do(dir); err != nil {
		return fail(stdio, command, err)
	}
	return exitOK
}

const watchHelp = `Usage: covwrap watch [FLAGS]

Shows, again and again until it is interrupted, what the running processes
cover: how much so far, and which functions ran since the last look. On a
terminal it is a live view; else a line for each function that ran.
`

// Watch is "covwrap watch".
func Watch(args []string, stdio Stdio) int {
	f := newFlags("watch")
	dir := dirFlag(f)
	interval := f.Duration("interval", time.Second, "time between two looks")
	onlyNew := f.Bool("new", false, "show functions only when they run for the first time")
	if status, done := parse(f, watchHelp, args, stdio); done {
		return status
	}
	switch {
	case f.NArg() != 0:
		return misuse(f, fmt.Errorf("%q is one word too many", f.Arg(0)), stdio)
	case *interval <= 0:
		return misuse(f, fmt.Errorf("--interval=%v is no time to wait", *interval), stdio)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	w := live.NewWatcher(directory(*dir))
	tick := time.NewTicker(*interval)
	defer tick.Stop()
	screen := newScreen(stdio.Out)
	defer screen.close()
	for {
		frame, err := w.Next()
		if frame == nil {
			return fail(stdio, "watch", err)
		}
		if *onlyNew {
			frame.Changed = slices.DeleteFunc(frame.Changed, func(c live.Change) bool { return !c.New })
		}
		if e := screen.show(frame, err); e != nil {
			return exitOK // who reads has gone
		}
		select {
		case <-ctx.Done():
			return exitOK
		case <-tick.C:
		}
	}
}

// screen shows frames: on a terminal each in place of the one before.
type screen struct {
	w        *bufio.Writer
	terminal bool
	height   int
	total    string // last totals that were printed
}

func newScreen(out io.Writer) *screen {
	s := &screen{w: bufio.NewWriter(out), height: 24}
	if f, ok := out.(*os.File); ok {
		if rows, ok := terminalRows(f); ok {
			s.terminal, s.height = true, rows
			s.w.WriteString("\x1b[?25l\x1b[2J") // no cursor, empty screen
		}
	}
	return s
}

func (s *screen) close() {
	if s.terminal {
		s.w.WriteString("\x1b[?25h")
		s.w.Flush()
	}
}

// show shows one frame; trouble is what could not be read.
func (s *screen) show(f *live.Frame, trouble error) error {
	total := fmt.Sprintf("%s of %d statements covered by %s running, %d ended", percent(f.Ran, f.All), f.All, plural(count(f.Running), "process", "processes"), f.Ended)
	if !s.terminal {
		for _, c := range f.Changed {
			fmt.Fprintln(s.w, changeLine(c))
		}
		if total != s.total {
			fmt.Fprintln(s.w, total)
		}
		s.total = total
		return s.w.Flush()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "covwrap watch   %s\n\n", total)
	for i, p := range f.Running {
		if i == s.height/4 && i+1 < len(f.Running) {
			fmt.Fprintf(&b, "  and %d more\n", len(f.Running)-i)
			break
		}
		ran, all := p.Statements()
		who, what := nameOf(p)
		fmt.Fprintf(&b, "%8s %7s  %s\n", who, percent(ran, all), what)
	}
	if trouble != nil {
		fmt.Fprintf(&b, "\n%s\n", commandLine([]string{trouble.Error()}, 200))
	}
	b.WriteString("\nran since the last look:\n")
	left := max(3, s.height-strings.Count(b.String(), "\n")-2)
	for i, c := range f.Changed {
		if i == left {
			fmt.Fprintf(&b, "  and %d more\n", len(f.Changed)-i)
			break
		}
		b.WriteString(changeLine(c) + "\n")
	}
	// Home; each line erased to its end; the rest of the screen erased.
	s.w.WriteString("\x1b[H" + strings.ReplaceAll(b.String(), "\n", "\x1b[K\n") + "\x1b[J")
	return s.w.Flush()
}

// changeLine is one function that ran.
func changeLine(c live.Change) string {
	sign := " "
	if c.New {
		sign = "+"
	}
	return fmt.Sprintf("%s %8d  %s  %s:%d", sign, c.Hits, c.Name, c.File, c.Line)
}
