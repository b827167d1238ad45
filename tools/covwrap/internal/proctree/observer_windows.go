package proctree

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/covwrap/covwrap/tools/covwrap/internal/win32"
)

// Observer sees all processes of the job object into which the test is put. One
// that asks to leave the job (CREATE_BREAKAWAY_FROM_JOB), and what that starts,
// is not seen, and not ended with the test.
type Observer struct {
	job  *win32.Job // nil if there can be none: then only the test is known
	done chan struct{}

	mu   sync.Mutex
	all  []*Process
	live map[uint32]*watched
}

// watched is a process that runs. While the handle is open no other process
// gets its number.
type watched struct {
	*Process
	handle syscall.Handle
	tries  int // to find out what it is
}

// retryEvery is how often what was not known yet of a process that begins is
// looked for.
const retryEvery = 20 // milliseconds

// Start begins to watch.
func Start(dir string) *Observer {
	o := &Observer{live: map[uint32]*watched{}, done: make(chan struct{})}
	j, err := win32.NewJob()
	if err != nil {
		close(o.done)
		return o
	}
	o.job = j
	go o.watch()
	return o
}

// Add puts a process that has not begun to run into the job.
func (o *Observer) Add(process syscall.Handle) error {
	if o.job == nil {
		return errors.New("no job object")
	}
	return o.job.Add(process)
}

// Empty waits until no process of the job is left.
func (o *Observer) Empty() {
	for o.job != nil && !o.job.Empty() {
		time.Sleep(20 * time.Millisecond)
	}
}

// watch notes what the job tells.
func (o *Observer) watch() {
	defer close(o.done)
	for {
		timeout := uint32(syscall.INFINITE)
		if o.retry() {
			timeout = retryEvery
		}
		message, pid, ok := o.job.Next(timeout)
		if !ok {
			continue // it is late
		}
		switch message {
		case win32.NewProcess:
			o.began(pid)
		case win32.ExitProcess, win32.AbnormalExit:
			o.ended(pid)
		case win32.Woken:
			return
		}
	}
}

// began notes a process; retry finds out what it is. One that has ended already
// may not tell any more.
func (o *Observer) began(pid uint32) {
	p := &Process{PID: int(pid), Seen: time.Now()}
	h, err := win32.OpenToWatch(pid)
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.live[pid] != nil { // the test itself: Spawned was faster
		if err == nil {
			syscall.CloseHandle(h)
		}
		return
	}
	o.all = append(o.all, p)
	if err == nil {
		o.live[pid] = &watched{p, h, 0}
	}
}

// image reads what a process is, as far as that is known yet: while a process
// begins, its image is mapped, and its parent leaves the command line in its
// memory.
func image(h syscall.Handle, p *Process) {
	var created, exited, kernel, user syscall.Filetime
	if syscall.GetProcessTimes(h, &created, &exited, &kernel, &user) == nil {
		p.Ticks = uint64(created.HighDateTime)<<32 | uint64(created.LowDateTime)
	}
	p.PPID, p.Exe = win32.Parent(h), win32.ImageName(h)
	if p.Argv == nil {
		p.Argv = win32.CommandLine(h)
	}
}

// isConsole reports whether an executable is that of a console window, which
// comes and goes with the processes that show their output there, and is none
// of the test's own.
func isConsole(exe string) bool {
	return strings.EqualFold(exe, filepath.Join(os.Getenv("SystemRoot"), "System32", "conhost.exe"))
}

// retry looks for what is not known yet and reports whether some is still to
// come.
func (o *Observer) retry() (more bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for pid, w := range o.live {
		if w.complete() {
			continue
		}
		image(w.handle, w.Process)
		switch {
		case isConsole(w.Exe):
			syscall.CloseHandle(w.handle)
			delete(o.live, pid)
			o.all = slices.DeleteFunc(o.all, func(p *Process) bool { return p == w.Process })
		case !w.complete():
			more = true
		}
	}
	return more
}

// complete reports whether what the process is is known, or must stay unknown.
func (w *watched) complete() bool {
	const enough = 100
	w.tries++
	return w.Exe != "" && w.Argv != nil || w.tries > enough
}

// ended notes the end of a process.
func (o *Observer) ended(pid uint32) {
	o.mu.Lock()
	defer o.mu.Unlock()
	w := o.live[pid]
	if w == nil {
		return
	}
	delete(o.live, pid)
	if !w.complete() {
		image(w.handle, w.Process)
	}
	w.end(endsWithin)
}

// endsWithin is how long a process may take from its last thread's end, of which
// the job tells, to its own.
const endsWithin = 10 * time.Second

// end notes how the process ended, if it does so in time.
func (w *watched) end(within time.Duration) {
	var code uint32
	event, err := syscall.WaitForSingleObject(w.handle, uint32(within.Milliseconds()))
	if err == nil && event == syscall.WAIT_OBJECT_0 && syscall.GetExitCodeProcess(w.handle, &code) == nil && w.Ended == nil {
		w.Ended = endOf(code, time.Now())
	}
	syscall.CloseHandle(w.handle)
}

// Spawned tells of a child that the launcher has started.
func (o *Observer) Spawned(pid int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, p := range o.all {
		if p.PID == pid {
			return
		}
	}
	p := &Process{PID: pid, PPID: os.Getpid(), Seen: time.Now()}
	o.all = append(o.all, p)
	if h, err := win32.OpenToWatch(uint32(pid)); err == nil {
		image(h, p) // now, as there may be no job and nobody who does it later
		o.live[uint32(pid)] = &watched{p, h, 0}
	}
}

// Reaped tells of the child's end.
func (o *Observer) Reaped(pid int, status uint32) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, p := range o.all {
		if p.PID == pid && p.Ended == nil {
			p.Ended, p.reaped = endOf(status, time.Now()), true
			return
		}
	}
}

// Live returns the processes that run.
func (o *Observer) Live() []int {
	o.mu.Lock()
	defer o.mu.Unlock()
	var pids []int
	for pid, w := range o.live {
		if w.Ended == nil {
			pids = append(pids, int(pid))
		}
	}
	return pids
}

// Alive does not know: there are no counter maps on this system.
func (o *Observer) Alive(pid int, ticks, pidns uint64) (alive, known bool) { return true, false }

// Seen returns all processes that have been seen.
func (o *Observer) Seen() []*Process {
	o.mu.Lock()
	defer o.mu.Unlock()
	seen := make([]*Process, len(o.all))
	for i, p := range o.all {
		c := *p
		seen[i] = &c
	}
	return seen
}

// Stop ends the watch, and what is left in the job, and returns all processes
// that were seen.
func (o *Observer) Stop() []*Process {
	if o.job != nil && o.job.Wake() == nil {
		<-o.done
	}
	for _, w := range o.live {
		w.end(0)
		w.Running = w.Ended == nil
	}
	o.live = nil
	if o.job != nil {
		o.job.Close()
	}
	return o.all
}
