//go:build linux

package matrix

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/matrix/internal/oracle"
	"example.com/matrix/internal/parent"
)

// module is this module's path, which begins the names in Go's profiles.
const module = "example.com/matrix"

// Cell is one run of the matrix, and all that must hold of it.
type Cell struct {
	Kind  *Kind
	Steps []parent.Step
	// Twin are the steps with the binaries without coverage.
	Twin []parent.Step

	Statuses map[string]int
	Want     oracle.Want
	Tally    []string
	// Images is how many covered process images the ledger must have.
	Images int
	// Sorted says that processes write at the same time: the lines of their
	// output are compared without their order.
	Sorted bool
	// Head says that messages on standard error are compared up to the first
	// empty line: what follows are registers, and stacks of wherever it was.
	Head bool
	// Grace is how long the launcher waits for what is left.
	Grace string
	// Hostile cells do to the profile directory what no program should.
	Hostile *hostile
	Lost    bool // no exact counts: the ledger says why
	// Stock is what a binary of Go's own must be found to lose or keep.
	Stock Keeps
}

// Keeps is what is collected of a cell.
type Keeps int

const (
	All  Keeps = iota
	None       // no process left anything
	Some       // of several processes, some did
)

// patience bounds a cell that hangs, which a cell does only when something is
// broken: no result depends on it.
const patience = 5 * time.Minute

// run runs the cell and fails the test for all that does not hold.
func (c *Cell) run(t *testing.T) {
	t.Helper()
	bare := newFolder(t)
	if c.Twin != nil {
		bare.spec(t, c.Twin)
		if out, err := bare.start(t, parentCommand(bare)).wait(); err != nil || len(out) != 0 {
			t.Fatalf("without coverage: %v\n%s", err, out)
		}
		bare.end()
	}

	f := newFolder(t)
	f.spec(t, c.Steps)
	tool, err := binaries.covwrap()
	if err != nil {
		t.Fatal(err)
	}
	argv := []string{tool, "run", "--grace=" + orElse(c.Grace, "10s"),
		"--profile=" + f.path("profile"), "--lcov=" + f.path("lcov"), "--json=" + f.path("ledger"), "--"}
	if c.Hostile != nil {
		argv = c.Hostile.launcher(t, f, argv)
	}
	report, err := f.start(t, append(argv, parentCommand(f)...)).wait()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(argv, " "), err, report)
	}
	if left := f.processes(); len(left) != 0 {
		t.Errorf("the launcher left processes behind: %v", left)
	}
	f.end()

	c.compareEnds(t, bare, f)
	if c.Twin == nil {
		bare = f
	}
	if c.Stock == All || !c.Kind.Stock {
		// Go's own runtime opens files at exit, and complains when it cannot.
		c.compareOutput(t, bare, f, parent.OutFile)
		c.compareOutput(t, bare, f, parent.ErrFile)
	}
	if !c.Lost {
		c.compareProfile(t, f)
	}
	if c.Kind.Stock {
		return
	}
	if c.Hostile != nil {
		c.Hostile.compareLedger(t, f)
	} else {
		c.compareLedger(t, f)
	}
	if t.Failed() {
		t.Logf("what covwrap said:\n%s", report)
	}
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// compareEnds compares how the processes ended: with the table and with the
// same processes without coverage.
func (c *Cell) compareEnds(t *testing.T, bare, f *folder) {
	t.Helper()
	with := f.result(t)
	without := with
	if c.Twin != nil {
		without = bare.result(t)
	}
	if !reflect.DeepEqual(without.Statuses, c.Statuses) {
		t.Errorf("without coverage it ended as %v, want %v", without.Statuses, c.Statuses)
	}
	if !reflect.DeepEqual(with.Statuses, c.Statuses) {
		t.Errorf("it ended as %v, want %v", with.Statuses, c.Statuses)
	}
}

func (c *Cell) compareOutput(t *testing.T, bare, f *folder, file string) {
	t.Helper()
	without, with := c.normal(bare, file), c.normal(f, file)
	if without != with {
		t.Errorf("%s without coverage:\n%s\nand with:\n%s", file, without, with)
	}
}

// What differs from run to run of the same program, coverage or not.
var (
	address   = regexp.MustCompile(`\b0x[0-9a-f]+\b|\b[0-9a-f]{12,16}\b`)
	arguments = regexp.MustCompile(`(?m)^([\w./*()\-]+[\w)])\([^()\n]*(\{[^\n]*)?\)$`)
	// A Go that was itself downloaded as a module is one that covwrap builds
	// with from a copy.
	goroot    = regexp.MustCompile(`(?m)^\t/\S+?/src/(runtime|testing|internal|sync|syscall|os|log|fmt)/`)
	offset    = regexp.MustCompile(`(?m) \+0x[0-9a-f]+$`)
	goroutine = regexp.MustCompile(`\b(goroutine|in goroutine|m=|pid) ?\d+\b`)
	inUse     = regexp.MustCompile(`\(\d+ in use\)`)
	duration  = regexp.MustCompile(`\b\d+\.\d+s\b`)
	testLine  = regexp.MustCompile(`(?m)^coverage: .*\n`)
)

// normal is an output without that: addresses, numbers of goroutines and
// threads, the folder, and the order of lines where processes write at once.
func (c *Cell) normal(f *folder, file string) string {
	data, err := os.ReadFile(f.path(file))
	if err != nil {
		return err.Error()
	}
	s := strings.ReplaceAll(string(data), f.dir, "DIR")
	s = arguments.ReplaceAllString(s, "$1(...)")
	s = goroot.ReplaceAllString(s, "\tGOROOT/src/$1/")
	s = offset.ReplaceAllString(s, "")
	s = address.ReplaceAllString(s, "0x?")
	s = goroutine.ReplaceAllString(s, "$1 ?")
	s = inUse.ReplaceAllString(s, "(? in use)")
	s = duration.ReplaceAllString(s, "?s")
	if c.Kind.Test {
		// Go's testing package says this whenever a test is built with -cover.
		s = testLine.ReplaceAllString(s, "")
	}
	if c.Head && file == parent.ErrFile {
		s, _, _ = strings.Cut(s, "\n\n")
	}
	if c.Sorted {
		lines := strings.SplitAfter(s, "\n")
		slices.Sort(lines)
		s = strings.Join(lines, "")
	}
	return s
}

// compareProfile compares the text profile with the table, block for block,
// and the tracefile with the profile, line for line.
func (c *Cell) compareProfile(t *testing.T, f *folder) {
	t.Helper()
	mode, blocks, err := oracle.ReadProfile(f.path("profile"))
	if c.Kind.Stock && c.Stock == None && (errors.Is(err, os.ErrNotExist) || len(blocks) == 0) {
		return
	}
	if err != nil {
		t.Error(err)
		return
	}
	if (mode == "set") != c.Kind.Set {
		t.Errorf("the profile has mode %q", mode)
	}
	named, err := tags.Name(blocks)
	if err != nil {
		t.Error(err)
		return
	}
	want := c.Want
	want.Set = c.Kind.Set
	want.Counts = sum(want.Counts)
	for _, tag := range c.Tally {
		want.Counts[tag] = f.tally(t)
	}
	wrong := want.Compare(named)
	if c.Kind.Stock && c.Stock != All {
		if len(wrong) == 0 {
			t.Error("Go's own runtime lost nothing here; say so in the table")
		}
		return
	}
	for _, w := range wrong {
		t.Error(w)
	}
	wrong, err = oracle.CompareLCOV(f.path("lcov"), module, blocks, mode == "set")
	if err != nil {
		t.Error(err)
	}
	for _, w := range wrong {
		t.Error("tracefile: ", w)
	}
}

// slug is what is read of a trouble of the ledger.
type slug struct{ Slug, Why, Text string }

// ledger is what is read of a ledger here.
type ledger struct {
	Covered, Collected int
	Children           []struct {
		PID       int
		Argv      []string
		Collected string
		Trouble   string
		Ended     struct{ How, Signal string }
	}
	LeftOut []slug `json:"left_out"`
	Trouble []slug
}

// compareLedger checks the accounts: every covered image is there, collected
// from its map, without trouble.
func (c *Cell) compareLedger(t *testing.T, f *folder) {
	t.Helper()
	l := f.ledger(t)
	if l.Covered != c.Images || l.Collected != c.Images || len(l.Children) != c.Images {
		t.Errorf("the ledger has %d covered, %d collected, %d children; want %d", l.Covered, l.Collected, len(l.Children), c.Images)
	}
	for _, child := range l.Children {
		if child.Collected != "map" || child.Trouble != "" {
			t.Errorf("the ledger says that %v was collected by %q, trouble %q", child.Argv, child.Collected, child.Trouble)
		}
	}
	if len(l.LeftOut) != 0 || len(l.Trouble) != 0 {
		t.Errorf("the ledger has left out %+v, trouble %+v", l.LeftOut, l.Trouble)
	}
}

// folder is a cell's folder. Every process of the cell has its name in its
// arguments, which is how none escapes.
type folder struct{ dir string }

func newFolder(t *testing.T) *folder {
	t.Helper()
	dir, err := os.MkdirTemp(scratch, "cell-")
	if err != nil {
		t.Fatal(err)
	}
	f := &folder{dir}
	t.Cleanup(func() {
		f.end()
		if !t.Failed() {
			os.RemoveAll(dir)
		}
	})
	// A process that gave up root works here too.
	for _, name := range []string{"", "elsewhere"} {
		if err := os.MkdirAll(f.path(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(f.path(name), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(f.path("tally"), make([]byte, 8), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(f.path("tally"), 0o666); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *folder) path(name string) string { return filepath.Join(f.dir, name) }

// inside puts the folder in the place of DIR, of a word or at its beginning.
func (f *folder) inside(word string) string {
	if rest, ok := strings.CutPrefix(word, "DIR"); ok && (rest == "" || rest[0] == '/') {
		return f.dir + rest
	}
	return word
}

// spec writes what the parent is to do.
func (f *folder) spec(t *testing.T, steps []parent.Step) {
	t.Helper()
	var s parent.Spec
	for _, step := range steps {
		step.Argv = slices.Clone(step.Argv)
		for i := range step.Argv {
			step.Argv[i] = f.inside(step.Argv[i])
		}
		if in := step.Install; in != nil {
			step.Install = &[2]string{f.inside(in[0]), f.inside(in[1])}
		}
		s.Steps = append(s.Steps, step)
	}
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(f.path(parent.SpecFile), data, 0o666); err != nil {
		t.Fatal(err)
	}
}

func (f *folder) result(t *testing.T) parent.Result {
	t.Helper()
	var r parent.Result
	data, err := os.ReadFile(f.path(parent.ResultFile))
	if err == nil {
		err = json.Unmarshal(data, &r)
	}
	if err == nil && r.Error != "" {
		err = errors.New(r.Error)
	}
	if err != nil {
		out, _ := os.ReadFile(f.path(parent.OutFile))
		more, _ := os.ReadFile(f.path(parent.ErrFile))
		t.Fatalf("the parent: %v\n%s%s", err, out, more)
	}
	return r
}

func (f *folder) tally(t *testing.T) uint64 {
	t.Helper()
	data, err := os.ReadFile(f.path("tally"))
	if err != nil {
		t.Fatal(err)
	}
	n := binary.NativeEndian.Uint64(data)
	if n == 0 {
		t.Error("the tally is 0")
	}
	return n
}

func (f *folder) ledger(t *testing.T) *ledger {
	t.Helper()
	l := &ledger{}
	data, err := os.ReadFile(f.path("ledger"))
	if err == nil {
		err = json.Unmarshal(data, l)
	}
	if err != nil {
		t.Fatalf("the ledger: %v", err)
	}
	return l
}

// run is a command that was started.
type run struct {
	cmd *exec.Cmd
	out *bytes.Buffer
}

// start starts a command in the folder; a cell that hangs is ended.
func (f *folder) start(t *testing.T, argv []string) *run {
	t.Helper()
	r := &run{exec.Command(argv[0], argv[1:]...), &bytes.Buffer{}}
	r.cmd.Env = append(environment(), parentVariable+"="+f.dir)
	r.cmd.Stdout, r.cmd.Stderr = r.out, r.out
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(patience, func() {
		fmt.Fprintf(os.Stderr, "%s hangs; it is ended\n", t.Name())
		r.cmd.Process.Kill()
		f.end()
	})
	t.Cleanup(func() { timer.Stop() })
	return r
}

func (r *run) wait() ([]byte, error) {
	err := r.cmd.Wait()
	return r.out.Bytes(), err
}

// processes lists the processes that have the folder in their arguments.
func (f *folder) processes() []int {
	var pids []int
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline") // the pattern is well-formed
	for _, file := range files {
		line, err := os.ReadFile(file)
		if err != nil || !bytes.Contains(line, []byte(f.dir)) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file))); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// end kills whatever the cell left running.
func (f *folder) end() {
	for _, pid := range f.processes() {
		syscall.Kill(pid, syscall.SIGKILL)
	}
}
