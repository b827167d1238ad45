// Package engine starts a real remote-execution engine on this machine: the
// buildbox-casd of Debian sid, a content-addressable storage with an action
// cache and an execution service, in namespaces of its own and behind a proxy
// that Bazel can talk to.
//
// It lives in a root file system below the user's cache folder, has no
// network, and sees of this machine only what it is given: what an action
// could reach by accident on a laptop it cannot reach here.
package engine

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// Runner is the program that executes actions.
type Runner string

// The two that casd has, and that have little in common.
const (
	// HostTools runs actions as plain processes of the engine.
	HostTools Runner = "hosttools"
	// Bubblewrap runs each action in new namespaces, pid namespace included,
	// without any capability: a worker that trusts nobody.
	Bubblewrap Runner = "bubblewrap"
)

// SharedDir is a folder that actions of both runners and the caller (as
// [Engine.Shared]) see: how a test tells that it is in mid-work.
const SharedDir = "/shared"

// Engine is a running engine.
type Engine struct {
	Addr   string // HOST:PORT of the proxy
	Shared string // SharedDir as seen from here
	Dir    string // socket and storage
	Runner Runner

	root  string // of its file system
	log   *os.File
	proxy *proxy
	casd  *process
}

// Start starts an engine with the given runner. dir is a short path (unix
// sockets have at most 107 bytes) that holds its storage; an engine that is
// started again there has what it had.
func Start(root, dir string, runner Runner) (*Engine, error) {
	e := &Engine{Runner: runner, root: root, Dir: dir, Shared: filepath.Join(dir, "shared")}
	for _, d := range []string{"cas", "shared"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o777); err != nil {
			return nil, err
		}
	}
	// Bubblewrap's actions may run as another user.
	if err := os.Chmod(e.Shared, 0o777); err != nil {
		return nil, err
	}
	var err error
	if e.log, err = os.OpenFile(filepath.Join(dir, "log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o666); err != nil {
		return nil, err
	}
	if err := e.startCasd(); err != nil {
		e.log.Close()
		return nil, err
	}
	if e.proxy, err = startProxy("unix:" + e.socket()); err != nil {
		e.Stop()
		return nil, err
	}
	e.Addr = e.proxy.addr
	return e, nil
}

func (e *Engine) socket() string { return filepath.Join(e.Dir, "casd.sock") }

// Log returns what the engine has printed so far.
func (e *Engine) Log() string {
	text, _ := os.ReadFile(e.log.Name())
	return string(text)
}

// Calls returns how often each gRPC method was called, and the bytes that
// went to and from the engine.
func (e *Engine) Calls() Traffic { return e.proxy.traffic() }

// Stop ends the engine and everything that runs in it.
func (e *Engine) Stop() {
	if e.proxy != nil {
		e.proxy.stop()
	}
	e.casd.kill()
	e.log.Close()
}

// Crash kills the engine, actions included, as a machine that loses power,
// and starts it again on the same storage and address.
func (e *Engine) Crash() error { return e.restart() }

// Use makes the given runner execute all further actions. Nothing may be
// under way. What the other has built is still known.
func (e *Engine) Use(runner Runner) error {
	if e.Runner == runner {
		return nil
	}
	e.Runner = runner
	return e.restart()
}

func (e *Engine) restart() error {
	e.casd.kill()
	if err := e.startCasd(); err != nil {
		return err
	}
	e.proxy.reconnect()
	return nil
}

// Running returns the command lines of the processes of actions, by number, in
// whichever namespace they are: all processes below the engine but its own.
func (e *Engine) Running() map[int]string {
	all := processes()
	out := map[int]string{}
	for pid, p := range all {
		above := p.parent
		for above > 1 && above != e.casd.cmd.Process.Pid {
			above = all[above].parent
		}
		// The bwrap of an action is the runner's, and goes with its last process.
		if above > 1 && p.name != "bwrap" && p.name != "buildbox-casd" && p.name != "buildbox-fuse" {
			text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
			out[pid] = fmt.Sprintf("%s (%s)", p.name, strings.ReplaceAll(string(text), "\x00", " "))
		}
	}
	return out
}

// startCasd starts the server and waits until it accepts connections.
func (e *Engine) startCasd() error {
	if err := os.Remove(e.socket()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	proc := []string{"--proc", "/proc"}
	var runnerArgs []string
	switch e.Runner {
	case HostTools:
		// Without --clearenv casd's environment gets into actions.
		runnerArgs = []string{"--clearenv", "--staging-mode=copy-or-link"}
	case Bubblewrap:
		for _, b := range []string{"/usr:/usr", "/usr/lib:/lib", "/usr/lib64:/lib64", "/usr/bin:/bin", "/etc:/etc", SharedDir + ":" + SharedDir} {
			runnerArgs = append(runnerArgs, "--bind-mount="+b)
		}
		// A bubblewrap inside may mount its own /proc only where none hides
		// parts of it, as --proc does.
		proc = []string{"--dev-bind", "/proc", "/proc"}
	default:
		return fmt.Errorf("no runner %q", e.Runner)
	}
	args := []string{
		// A pid namespace with its own /proc: what is left of an action ends
		// with the engine, whatever it did to get away.
		"unshare", "--pid", "--fork", "--mount-proc", "--kill-child=KILL", "--",
		"bwrap", "--ro-bind", e.root, "/", "--dev-bind", "/dev", "/dev"}
	args = append(args, proc...)
	args = append(args,
		"--tmpfs", "/tmp", "--tmpfs", "/root", "--tmpfs", "/run", "--bind", e.Dir, e.Dir, "--bind", e.Shared, SharedDir,
		"--unshare-net", "--unshare-ipc", "--unshare-uts", "--chdir", "/",
		"buildbox-casd", "--bind", "unix:"+e.socket(), "--jobs", "2",
		"--buildbox-run=/usr/bin/buildbox-run-"+string(e.Runner))
	for _, a := range runnerArgs {
		args = append(args, "--runner-arg="+a)
	}
	var err error
	if e.casd, err = start(append(args, filepath.Join(e.Dir, "cas")), e.log); err != nil {
		return fmt.Errorf("cannot start the engine: %w", err)
	}
	if err := e.awaitSocket(); err != nil {
		e.casd.kill()
		return err
	}
	return nil
}

// awaitSocket waits until casd listens. There is nothing to be told by: it
// makes no sound.
func (e *Engine) awaitSocket() error {
	for deadline := time.Now().Add(30 * time.Second); ; {
		if conn, err := dialUnix(e.socket()); err == nil {
			conn.Close()
			return nil
		}
		select {
		case <-e.casd.done:
			return fmt.Errorf("the engine ended at once (%v): %s", e.casd.err, lastLines(e.Log(), 10))
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the engine does not listen after 30 s: %s", lastLines(e.Log(), 10))
		}
	}
}

// process is a program that ends when we end, even by SIGKILL.
type process struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error // valid when done is closed
}

// start runs a program with an empty environment in a session of its own.
func start(args []string, log *os.File) (*process, error) {
	p := &process{cmd: exec.Command(args[0], args[1:]...), done: make(chan struct{})}
	p.cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go func() {
		// The kernel sends Pdeathsig when the thread that started the child
		// ends, so that thread must be ours until the child has ended.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.err = p.cmd.Wait()
		}
		close(p.done)
	}()
	return p, <-started
}

// kill ends the program, and with it (unshare --kill-child) its namespace, and
// returns when none of it is left.
func (p *process) kill() {
	if p == nil || p.cmd.Process == nil {
		return
	}
	var first []int // process of the namespace; it ends after all others there
	for pid, other := range processes() {
		if other.parent == p.cmd.Process.Pid {
			first = append(first, pid)
		}
	}
	// unshare passes SIGKILL on by its child's own parent-death signal.
	p.cmd.Process.Kill()
	<-p.done
	for _, pid := range first {
		for processes()[pid].name != "" {
			time.Sleep(5 * time.Millisecond)
		}
	}
}

// living is a process of this machine.
type living struct {
	name   string
	parent int
}

// processes returns all of this machine that have not ended.
func processes() map[int]living {
	out := map[int]living{}
	paths, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range paths {
		text, _ := os.ReadFile(path)
		// "PID (NAME) STATE PARENT ...", and NAME may hold anything.
		before, rest, _ := strings.Cut(string(text), "(")
		at := strings.LastIndex(rest, ")")
		if at < 0 {
			continue // it has ended since
		}
		p := living{name: rest[:at]}
		var pid int
		var state string
		if _, err := fmt.Sscan(before, &pid); err != nil {
			continue
		}
		if _, err := fmt.Sscan(rest[at+1:], &state, &p.parent); err == nil && state != "Z" && state != "X" {
			out[pid] = p
		}
	}
	return out
}

// lastLines returns the end of a text, for an error message.
func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// Spawn is one entry of Bazel's --execution_log_json_file.
type Spawn struct {
	TargetLabel string   `json:"targetLabel"`
	Mnemonic    string   `json:"mnemonic"`
	Runner      string   `json:"runner"` // "remote", "remote cache hit", "linux-sandbox", ...
	CacheHit    bool     `json:"cacheHit"`
	Remotable   bool     `json:"remotable"`
	Status      string   `json:"status"`
	CommandArgs []string `json:"commandArgs"`
	Digest      struct {
		Hash string `json:"hash"`
	} `json:"digest"` // of the action
}

// ReadExecutionLog reads such a file.
func ReadExecutionLog(path string) ([]Spawn, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var out []Spawn
	for dec := json.NewDecoder(bufio.NewReader(f)); dec.More(); {
		var s Spawn
		if err := dec.Decode(&s); err != nil {
			return nil, fmt.Errorf("execution log %q: %w", path, err)
		}
		out = append(out, s)
	}
	return out, nil
}

// LeftOver returns the command lines of processes that have to do with an
// engine in dir: none after Stop.
func LeftOver(dir string) []string {
	var out []string
	paths, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, p := range paths {
		if p == fmt.Sprintf("/proc/%d/cmdline", os.Getpid()) {
			continue
		}
		text, _ := os.ReadFile(p)
		if strings.Contains(string(text), dir+"/") {
			out = append(out, strings.ReplaceAll(string(text), "\x00", " "))
		}
	}
	return out
}
