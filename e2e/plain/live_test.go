//go:build linux

package plain

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// interactive does what it reads, line by line, and says so. "mark" is a call
// of a program that marks a phase.
const interactive = `package main

import (
	"bufio"
	"fmt"
	"os"

	"example.com/m/p"
)

func main() {
	s := bufio.NewScanner(os.Stdin)
	for s.Scan() {
		switch s.Text() {
		case "a":
			p.A()
		case "b":
			p.B()
		}
		fmt.Println("did", s.Text())
	}
}
`

const pFile = "package p\n\nfunc A() {\n\tx++\n}\n\nfunc B() {\n\tx--\n}\n\nvar x int\n"

// interactiveModule builds the program and returns its folder; it is x there.
func interactiveModule(t *testing.T, mode string) string {
	dir := folder(t)
	write(t, dir, map[string]string{"go.mod": "module example.com/m\n\ngo 1.24\n", "main.go": interactive, "p/p.go": pFile})
	must(t, dir, nil, covwrap, "go", "build", "-covermode="+mode, "-o", "x", ".")
	return dir
}

// session is the program, running.
type session struct {
	t *testing.T
	*program
	in io.Writer
}

func startSession(t *testing.T, dir, profile string) *session {
	t.Helper()
	s := &session{t: t, program: &program{Cmd: exec.Command(filepath.Join(dir, "x"))}}
	in, err := s.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	s.in = in
	out, err := s.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	s.program.out = reader(out)
	s.Env = append(os.Environ(), "COVWRAP_DIR="+profile)
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Process.Kill(); s.Wait() })
	return s
}

// do has the program do something, and waits until it did.
func (s *session) do(things ...string) {
	s.t.Helper()
	for _, thing := range things {
		if _, err := io.WriteString(s.in, thing+"\n"); err != nil {
			s.t.Fatal(err)
		}
		if _, err := s.until("did " + thing); err != nil {
			s.t.Fatal(err)
		}
	}
}

// counts returns the interesting counts of a profile: of the blocks of main
// that call A and B, and of A and B themselves.
func counts(t *testing.T, name string) string {
	t.Helper()
	p := readProfile(t, name)
	return fmt.Sprint(p["example.com/m/main.go:15.12,16.9 1"], p["example.com/m/main.go:17.12,18.9 1"], p["example.com/m/p/p.go:3.10,5.2 1"], p["example.com/m/p/p.go:7.10,9.2 1"])
}

// TestLive looks at a running process and resets it; it is not disturbed.
func TestLive(t *testing.T) {
	for _, c := range []struct{ mode, first, reset string }{
		{"atomic", "2 0 2 0", "0 3 0 3"}, {"count", "2 0 2 0", "0 3 0 3"}, {"set", "1 0 1 0", "0 1 0 1"},
	} {
		t.Run(c.mode, func(t *testing.T) {
			dir, profile := interactiveModule(t, c.mode), folder(t)
			s := startSession(t, dir, profile)
			s.do("a", "a")
			pid := strconv.Itoa(s.Process.Pid)
			for i, args := range [][]string{{"--dir", profile}, {pid}, {"--dir", profile, pid}} {
				out := must(t, dir, nil, covwrap, slices.Concat([]string{"snapshot", "--profile", "out", "--lcov", "lcov"}, args)...)
				if got := counts(t, filepath.Join(dir, "out")); got != c.first {
					t.Errorf("snapshot %d: %s, want %s", i, got, c.first)
				}
				lines := strings.Split(out, "\n")
				if f := strings.Fields(lines[0]); len(lines) != 3 || !slices.Equal(f[:6], []string{pid, "75.0%", "6", "of", "8", "statements"}) {
					t.Errorf("snapshot printed\n%s", out)
				}
				if got := sources(t, filepath.Join(dir, "lcov")); !slices.Equal(got, []string{"main.go", "p/p.go"}) {
					t.Errorf("source files %q", got)
				}
			}
			must(t, dir, nil, covwrap, "reset", "--dir", profile)
			s.do("b", "b", "b")
			must(t, dir, nil, covwrap, "snapshot", "--dir", profile, "--profile", "out")
			if got := counts(t, filepath.Join(dir, "out")); got != c.reset {
				t.Errorf("after reset: %s, want %s", got, c.reset)
			}
		})
	}
}

// TestSnapshotRefused: what cannot be done is said with the reason.
func TestSnapshotRefused(t *testing.T) {
	dir := folder(t)
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{strconv.Itoa(os.Getpid())}, "has no counter map"},
		{[]string{"4194305"}, "no such process"},
		{[]string{"x"}, "no process number"},
		{[]string{"--dir", filepath.Join(dir, "gone")}, "gone"},
		{[]string{"--dir", dir}, "no running process has a counter map"},
	} {
		if r := try(t, dir, nil, covwrap, append([]string{"snapshot"}, c.args...)...); r.status == 0 || !strings.Contains(r.stderr, c.want) {
			t.Errorf("snapshot %q: %+v; want a failure with %q", c.args, r, c.want)
		}
	}
}

// TestWatch: each look names what ran since the one before.
func TestWatch(t *testing.T) {
	dir, profile := interactiveModule(t, "atomic"), folder(t)
	s := startSession(t, dir, profile)
	s.do("a")
	w := &program{Cmd: exec.Command(covwrap, "watch", "--dir", profile, "--interval=20ms")}
	out, err := w.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	w.out = reader(out)
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { w.Process.Kill(); w.Wait() }()
	if _, err := w.until("75.0% of 8 statements covered by 1 process running, 0 ended"); err != nil {
		t.Fatal(err)
	}
	s.do("b")
	line, err := w.until("example.com/m/p/p.go:7")
	if err != nil {
		t.Fatal(err)
	}
	if f := strings.Fields(line); !slices.Equal(f, []string{"+", "1", "B", "example.com/m/p/p.go:7"}) {
		t.Errorf("watch printed %q", line)
	}
	if _, err := w.until("100.0% of 8 statements covered by 1 process running, 0 ended"); err != nil {
		t.Fatal(err)
	}
	s.end(syscall.SIGKILL)
	if _, err := w.until("100.0% of 8 statements covered by 0 processes running, 1 ended"); err != nil {
		t.Fatal(err)
	}
	w.Process.Signal(os.Interrupt)
	if err := w.Wait(); err != nil {
		t.Errorf("watch, interrupted: %v", err)
	}
}

func init() { scenarios["phases"] = phasesScenario }

// phasesScenario runs below "covwrap run": one process lives through all
// phases and is killed, others live in one phase each. Arguments: folder of the
// program, covwrap.
func phasesScenario(args []string) error {
	x, covwrap := filepath.Join(args[0], "x"), args[1]
	server := &program{Cmd: exec.Command(x)}
	in, err := server.StdinPipe()
	if err != nil {
		return err
	}
	out, err := server.StdoutPipe()
	if err != nil {
		return err
	}
	server.out = reader(out)
	if err := server.Start(); err != nil {
		return err
	}
	do := func(things ...string) {
		for _, thing := range things {
			if err == nil {
				_, err = io.WriteString(in, thing+"\n")
			}
			if err == nil {
				_, err = server.until("did " + thing)
			}
		}
	}
	command := func(input, name string, args ...string) {
		cmd := exec.Command(name, args...)
		cmd.Stdin = strings.NewReader(input)
		if err == nil {
			err = cmd.Run()
		}
	}
	do("a")
	command("", covwrap, "mark", "one")
	do("b", "b")
	command("a\na\n", x)
	command("", covwrap, "mark", "two words")
	do("a", "b", "b", "b")
	command("", covwrap, "mark", "one")
	command("b\n", x)
	if err != nil {
		return err
	}
	return server.end(syscall.SIGKILL)
}

// TestPhases: what each phase covered, and that they add up to the whole.
func TestPhases(t *testing.T) {
	for _, c := range []struct{ mode, start, one, two, all string }{
		{"atomic", "1 0 1 0", "2 3 2 3", "1 3 1 3", "4 6 4 6"},
		{"set", "1 0 1 0", "1 1 1 1", "1 1 1 1", "1 1 1 1"},
	} {
		t.Run(c.mode, func(t *testing.T) {
			dir := interactiveModule(t, c.mode)
			r := try(t, dir, scenario("phases"), covwrap, "run", "--profile", "all.out", "--phases", "phases", "--", self, dir, covwrap)
			if r.status != 0 {
				t.Fatalf("%+v", r)
			}
			for name, want := range map[string]string{"all": c.all, "phases/(start)": c.start, "phases/one": c.one, "phases/two words": c.two} {
				if got := counts(t, filepath.Join(dir, name+".out")); got != want {
					t.Errorf("%s: %s, want %s", name, got, want)
				}
			}
			if !strings.HasPrefix(read(t, filepath.Join(dir, "phases/two words.lcov")), "TN:two words\nSF:main.go\n") {
				t.Errorf("tracefile of a phase:\n%s", read(t, filepath.Join(dir, "phases/two words.lcov")))
			}
			if want := "covwrap: phase (start): 75.0% of 8 statements\n"; !strings.Contains(r.stderr, want) {
				t.Errorf("covwrap run said\n%s", r.stderr)
			}
		})
	}
}

// TestMarkRefused: a name that would break a file name or a tracefile.
func TestMarkRefused(t *testing.T) {
	dir := folder(t)
	for _, args := range [][]string{{"a/b"}, {""}, {"x\ny"}, {"(x"}, {}, {"a", "b"}} {
		if r := try(t, dir, []string{"COVWRAP_DIR=" + dir}, covwrap, append([]string{"mark"}, args...)...); r.status != 2 {
			t.Errorf("mark %q: %+v; want exit status 2", args, r)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("left in the profile directory: %v, %v", entries, err)
	}
}

// TestEmbedMark: a program marks its own phases, and is killed in the last.
func TestEmbedMark(t *testing.T) {
	repo, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := folder(t)
	write(t, dir, map[string]string{
		"go.mod": "module example.com/m\n\ngo 1.24.0\n\nrequire github.com/covwrap/covwrap v0.0.0\n\nreplace github.com/covwrap/covwrap => " + repo + "\n",
		"main.go": `package main

import (
	"os"
	"syscall"

	"github.com/covwrap/covwrap/embed"
)

func work() { n++ }

var n int

func main() {
	for i, name := range []string{"one", "two", "three"} {
		if err := embed.Mark(name); err != nil {
			panic(err)
		}
		for range i + 2 {
			work()
		}
	}
	if os.Getenv("COVWRAP_DIR") != "" {
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
}
`,
	})
	must(t, dir, []string{"GOFLAGS=-mod=mod"}, covwrap, "go", "build", "-covermode=atomic", "-o", "x", ".")
	if r := try(t, dir, nil, covwrap, "run", "--quiet", "--phases", "phases", "--profile", "all", "--", "./x"); r.status != -1 {
		t.Errorf("covwrap run: %+v; want it killed as the program was", r)
	}
	const block = "example.com/m/main.go:10.13,10.20 1"
	for name, want := range map[string]uint64{"all": 9, "phases/(start).out": 0, "phases/one.out": 2, "phases/two.out": 3, "phases/three.out": 4} {
		if p := readProfile(t, filepath.Join(dir, name)); p[block] != want {
			t.Errorf("%s: work was called %d times, want %d", name, p[block], want)
		}
	}
	// Without anybody who collects it is an ordinary program.
	if r := try(t, dir, []string{"GOCOVERDIR=" + dir}, "./x"); r != (result{}) {
		t.Errorf("without covwrap: %+v", r)
	}
}
