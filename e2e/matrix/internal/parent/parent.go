//go:build linux

// Package parent is the process that a cell of the matrix puts between the
// launcher and the program under test, as a test stands there: it starts the
// program, does to it what the cell says, and tells how it ended. It is itself
// built without coverage, and is the same for the covered program under the
// launcher and for the uncovered program without one.
//
// It talks with the program through pipes (package control); nothing in it
// waits for a time to pass.
package parent

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// Spec is what the parent is to do, one step after the other.
type Spec struct {
	Steps []Step
}

// Step is a program to run, or several copies of it.
type Step struct {
	Install *[2]string `json:",omitempty"` // before: the file Install[0] is copied over Install[1]
	Argv    []string   // of the program
	Place   string     // one of Places
	Script  string     `json:",omitempty"` // what to do to it: see act
	Limit   string     `json:",omitempty"` // commands of sh that limit it, "ulimit -n 64"
	Env     []string   `json:",omitempty"` // added to the environment
	Pipe    bool       `json:",omitempty"` // its standard output is a pipe
	Attack  string     `json:",omitempty"` // what "attack" in a script runs, with sh
	Copies  int        `json:",omitempty"` // 0: one
	AtOnce  int        `json:",omitempty"` // how many copies at the same time
}

// Result is what became of it.
type Result struct {
	Statuses map[string]int // how many copies ended so, "exit status 3"
	Error    string         // what the parent itself could not do
}

// Names of files in a cell's folder.
const (
	SpecFile   = "spec.json"
	ResultFile = "result.json"
	OutFile    = "stdout"
	ErrFile    = "stderr"
)

// Main runs the cell of that folder and returns the exit status.
func Main(dir string) int {
	r := Result{Statuses: map[string]int{}}
	if err := run(dir, &r); err != nil {
		r.Error = err.Error()
	}
	data, _ := json.Marshal(r) // strings and numbers: cannot fail
	if err := os.WriteFile(filepath.Join(dir, ResultFile), data, 0o666); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 98
	}
	return 0
}

func run(dir string, r *Result) error {
	data, err := os.ReadFile(filepath.Join(dir, SpecFile))
	if err != nil {
		return err
	}
	var spec Spec
	if err := json.Unmarshal(data, &spec); err != nil {
		return err
	}
	// Dozens of the cells would leave a core file.
	if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}); err != nil {
		return err
	}
	p := parent{dir: dir, result: r}
	if p.out, err = appendTo(filepath.Join(dir, OutFile)); err != nil {
		return err
	}
	if p.err, err = appendTo(filepath.Join(dir, ErrFile)); err != nil {
		return err
	}
	for _, step := range spec.Steps {
		if err := p.all(step); err != nil {
			return err
		}
	}
	return nil
}

// CloseOnExec keeps files that whoever started this process left open from its
// children, some of which count how many they can open.
func CloseOnExec() {
	names, _ := filepath.Glob("/proc/self/fd/*") // the pattern is well-formed
	for _, name := range names {
		if fd, err := strconv.Atoi(filepath.Base(name)); err == nil && fd > 2 {
			syscall.CloseOnExec(fd)
		}
	}
}

func appendTo(name string) (*os.File, error) {
	return os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o666)
}

type parent struct {
	dir      string
	out, err *os.File

	mu     sync.Mutex
	result *Result
}

// all runs a step's copies, AtOnce of them at a time.
func (p *parent) all(step Step) error {
	if step.Install != nil {
		if err := install(step.Install[0], step.Install[1]); err != nil {
			return err
		}
	}
	copies, slots := max(step.Copies, 1), make(chan bool, max(step.AtOnce, 1))
	failed := make([]error, copies)
	var group sync.WaitGroup
	for i := range copies {
		slots <- true
		group.Add(1)
		go func() {
			defer func() { <-slots; group.Done() }()
			failed[i] = p.one(step)
		}()
	}
	group.Wait()
	return errors.Join(failed...)
}

// install puts a copy of the file in the place of another by renaming, as a
// build does.
func install(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.WriteFile(to+".new", data, 0o755); err != nil {
		return err
	}
	return os.Rename(to+".new", to)
}

// program is one running program, and the pipes to it.
type program struct {
	cmd    *exec.Cmd
	place  *Place
	pid    int      // of the process that is acted upon
	said   *os.File // what the program says
	ready  *bufio.Reader
	goOn   *os.File // the other end of what the program waits on
	stdout *os.File // if it is a pipe
	out    io.Writer
	attack string
}

// one runs one copy.
func (p *parent) one(step Step) error {
	place := find(step.Place)
	if place == nil {
		return fmt.Errorf("no place %q", step.Place)
	}
	argv := step.Argv
	if step.Limit != "" {
		argv = append([]string{"/bin/sh", "-c", step.Limit + ` && exec "$@"`, "sh"}, argv...)
	}
	if place.wrap != nil {
		argv = place.wrap(argv)
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = p.out, p.err
	cmd.Env = append(os.Environ(), step.Env...)
	if place.set != nil {
		place.set(cmd, p.dir)
	}
	g := &program{cmd: cmd, place: place, out: p.out, attack: step.Attack}
	theirs, err := g.connect(step.Pipe, p.dir)
	if err != nil {
		return err
	}
	err = cmd.Start()
	for _, f := range theirs {
		f.Close()
	}
	if err != nil {
		return err
	}
	g.pid = cmd.Process.Pid
	for _, word := range strings.Fields(step.Script) {
		if err = g.act(word); err != nil {
			err = fmt.Errorf("%s of %q: %w", word, step.Script, err)
			cmd.Process.Kill()
			break
		}
	}
	cmd.Wait()
	g.goOn.Close()
	g.said.Close()
	p.mu.Lock()
	p.result.Statuses[strings.TrimSuffix(cmd.ProcessState.String(), " (core dumped)")]++
	p.mu.Unlock()
	return err
}

// connect makes the pipes, and returns the ends that are the program's.
func (g *program) connect(pipe bool, dir string) ([]*os.File, error) {
	r, ready, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	g.said, g.ready = r, bufio.NewReader(r)
	var wait *os.File
	if g.place.detached {
		// What is left behind waits for ever: the reader of this pipe is
		// also a writer of it.
		wait, err = fifo(filepath.Join(dir, "wait"))
		g.goOn = wait
	} else {
		wait, g.goOn, err = os.Pipe()
	}
	if err != nil {
		return nil, err
	}
	g.cmd.ExtraFiles = []*os.File{ready, wait}
	theirs := []*os.File{ready, wait}
	if pipe {
		r, w, err := os.Pipe()
		if err != nil {
			return nil, err
		}
		g.stdout, g.cmd.Stdout = r, w
		theirs = append(theirs, w)
	}
	return theirs, nil
}

func fifo(name string) (*os.File, error) {
	if err := syscall.Mkfifo(name, 0o666); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, err
	}
	// Not os.OpenFile, which makes it non-blocking, for the program as well.
	fd, err := syscall.Open(name, syscall.O_RDWR|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	// A named pipe that stays would block who reads the folder's files.
	return os.NewFile(uintptr(fd), name), os.Remove(name)
}

// act does one word of a script:
//
//	ready         wait until the program says that it is ready
//	stopped       wait until the program is stopped
//	gone          wait until nobody is left who could say anything
//	go            let the program go on
//	close-output  read what is there of the program's output, and close the pipe
//	attack        run the step's Attack
//	15            send the signal
func (g *program) act(word string) error {
	switch word {
	case "attack":
		if out, err := exec.Command("/bin/sh", "-c", g.attack).CombinedOutput(); err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	case "ready":
		line, err := g.ready.ReadString('\n')
		if err != nil {
			return fmt.Errorf("the program ended or closed its pipe: %w", err)
		}
		pid, err := strconv.Atoi(strings.TrimPrefix(strings.TrimSpace(line), "ready "))
		if err != nil {
			return err
		}
		if !g.place.namespace {
			g.pid = pid
		}
		return nil
	case "stopped":
		var status syscall.WaitStatus
		if _, err := syscall.Wait4(g.cmd.Process.Pid, &status, syscall.WUNTRACED, nil); err != nil {
			return err
		}
		if !status.Stopped() {
			return errors.New("the program ended instead")
		}
		return nil
	case "gone":
		_, err := io.Copy(io.Discard, g.ready)
		return err
	case "go":
		return g.goOn.Close()
	case "close-output":
		buf := make([]byte, 4096)
		n, err := g.stdout.Read(buf)
		if err != nil {
			return err
		}
		if _, err := g.out.Write(buf[:n]); err != nil {
			return err
		}
		return g.stdout.Close()
	}
	n, err := strconv.Atoi(word)
	if err != nil {
		return errors.New("not a word that the parent knows")
	}
	return syscall.Kill(g.pid, syscall.Signal(n))
}
