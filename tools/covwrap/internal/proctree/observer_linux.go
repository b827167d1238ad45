package proctree

import (
	"io"
	"os"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/covwrap/covwrap/embed/countermap"
	"github.com/covwrap/covwrap/tools/covwrap/internal/intern"
)

// Observer watches the descendants of this process.
//
// One goroutine waits for the kernel's events and for those who make themselves
// known, another reads the process table now and then, and the launcher's own
// reports whom it reaped; the mutex guards what they share. It is never held
// while the process table is read, since a process that has just made itself
// known may live for a millisecond only: the sooner it is looked at, the more
// can be said of it.
type Observer struct {
	self  int
	pidns uint64
	door  *door
	epoll int
	wake  int // eventfd that ends the goroutine of events
	quit  chan struct{}
	done  sync.WaitGroup

	mu   sync.Mutex
	all  []*Process
	live map[int]*watched
	last map[int]*Process // by number: the latest process, live or not

	interned intern.Table

	looking sync.Mutex   // held while the process table is read; guards the rest
	foreign map[int]bool // processes that are not ours; forgotten now and then
	scans   int
}

// watched is a process that has not ended as far as we know.
type watched struct {
	*Process
	fd     int // pidfd, -1 if there is none
	zombie *End
}

// maxPidfds bounds the file descriptors that are held for others.
const maxPidfds = 400

// The time between two looks at the process table: as short as its cost
// allows, up to idle when nothing new comes up, up to longest on a machine with
// very many processes.
const (
	minInterval = 15 * time.Millisecond
	idle        = 150 * time.Millisecond
	longest     = time.Second
	costFactor  = 100
)

// Start begins to watch; dir is the profile directory. It always returns an
// observer: what the system does not offer is seen less well.
func Start(dir string) *Observer {
	o := &Observer{
		self: os.Getpid(), pidns: namespace("self"), door: openDoor(dir), wake: -1, quit: make(chan struct{}),
		live: map[int]*watched{}, last: map[int]*Process{}, foreign: map[int]bool{},
	}
	if o.subscribe() {
		o.done.Add(1)
		go o.events()
	}
	o.done.Add(1)
	go o.look()
	return o
}

// subscribe makes what the kernel's events need, and reports whether it could.
func (o *Observer) subscribe() bool {
	var err error
	if o.epoll, err = syscall.EpollCreate1(syscall.EPOLL_CLOEXEC); err != nil {
		o.epoll = -1
		return false
	}
	if o.wake, err = eventfd(); err != nil {
		o.wake = -1
		return false
	}
	o.listen(o.wake, syscall.EPOLLIN)
	// Edge-triggered: without descriptors for what waits there, it would wake us
	// for ever.
	o.listen(o.door.fd, syscall.EPOLLIN|epollET)
	return true
}

// epollET is EPOLLET, which package syscall has as a negative number.
const epollET = 1 << 31

// eventfd makes a file that is readable once something was written to it.
func eventfd() (int, error) {
	// EFD_CLOEXEC and EFD_NONBLOCK are these by definition.
	fd, _, errno := syscall.Syscall(syscall.SYS_EVENTFD2, 0, syscall.O_CLOEXEC|syscall.O_NONBLOCK, 0)
	if errno != 0 {
		return -1, errno
	}
	return int(fd), nil
}

func (o *Observer) listen(fd int, events uint32) {
	syscall.EpollCtl(o.epoll, syscall.EPOLL_CTL_ADD, fd, &syscall.EpollEvent{Events: events, Fd: int32(fd)})
}

// events handles the kernel's events until Stop.
func (o *Observer) events() {
	defer o.done.Done()
	events := make([]syscall.EpollEvent, 64)
	for {
		n, err := syscall.EpollWait(o.epoll, events, -1)
		if err != nil && err != syscall.EINTR {
			return
		}
		for _, e := range events[:max(n, 0)] {
			switch fd := int(e.Fd); fd {
			case o.wake:
				return
			case o.door.fd:
				o.answer()
			default:
				o.ended(fd)
			}
		}
	}
}

// threadTime is the processor time that the calling thread has used. What a
// look at the process table takes on a busy machine is mostly waiting.
func threadTime() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_THREAD, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// look reads the process table now and then until Stop.
func (o *Observer) look() {
	defer o.done.Done()
	runtime.LockOSThread()
	interval := minInterval
	timer := time.NewTimer(interval)
	defer timer.Stop()
	for {
		select {
		case <-o.quit:
			return
		case <-timer.C:
		}
		start := threadTime()
		if o.Scan() {
			interval = minInterval
		} else {
			interval = min(interval*2, idle)
		}
		interval = min(max(interval, (threadTime()-start)*costFactor), longest)
		timer.Reset(interval)
	}
}

// answer handles the processes that have made themselves known.
func (o *Observer) answer() {
	for {
		v, ok := o.door.accept()
		if !ok {
			return
		}
		o.introduced(v)
	}
}

// introduced looks at a process that has made itself known. If it has ended by
// then, and its parent has waited for it, the kernel may still tell how.
func (o *Observer) introduced(v visitor) {
	defer v.close()
	if v.pid == 0 {
		return
	}
	status, ended := exitOf(v.pidfd)
	if !ended {
		o.notice(v.pid)
		// It may have been gone before a second look at it.
		status, ended = exitOf(v.pidfd)
	}
	if said, ok := v.said(); ok && ended {
		o.gone(v.pid, said, endOf(status, time.Now()))
	}
}

// gone records a process that had made itself known before it ended.
func (o *Observer) gone(pid int, said countermap.Introduction, e *End) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if w := o.live[pid]; w != nil && w.Ticks == said.Ticks {
		w.Ended = e
		o.bury(w)
		return
	}
	p := o.last[pid]
	if p == nil || p.Ticks != said.Ticks && !(p.Ticks == 0 && p.reaped) {
		p = &Process{PID: pid, Seen: time.Now()}
		o.all = append(o.all, p)
		o.last[pid] = p
	}
	if p.Ticks == 0 {
		p.Ticks = said.Ticks
		if said.PIDNS != o.pidns {
			p.PIDNS, p.InnerPID = said.PIDNS, int(said.PID)
		}
	}
	if p.Ended == nil {
		p.Ended = e
	}
}

// notice looks at a process that is said to be new.
func (o *Observer) notice(pid int) {
	fd, err := openPidfd(pid)
	if err != nil {
		fd = -1
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	s, err := readStat(pid)
	if err != nil || !o.ours(s.ppid, 64) {
		if fd >= 0 {
			syscall.Close(fd)
		}
		return
	}
	o.see(pid, s, fd)
}

// ours reports whether a process, the parent of one that was seen, is below
// the launcher.
func (o *Observer) ours(pid, depth int) bool {
	if pid == o.self || o.live[pid] != nil {
		return true
	}
	if pid <= 1 || depth == 0 {
		return false
	}
	s, err := readStat(pid)
	return err == nil && o.ours(s.ppid, depth-1)
}

// see records a process, or a new image of a known one, and reports whether
// there was something new. It takes over fd, a pidfd that was opened before s
// was read, or -1.
func (o *Observer) see(pid int, s stat, fd int) bool {
	w := o.live[pid]
	if fd >= 0 && w != nil && w.Ticks == s.ticks {
		syscall.Close(fd) // it has one
	}
	if w != nil && w.Ticks != s.ticks && w.Ticks != 0 {
		// The number was given to another process.
		o.bury(w)
		w = nil
	}
	if w != nil {
		if s.dead() {
			o.deathbed(w, s)
			return false
		}
		exe, _ := os.Readlink("/proc/" + strconv.Itoa(pid) + "/exe")
		if exe == w.Exe && len(w.Argv) == 0 {
			// It was seen in the middle of exec, when the new executable is
			// known already, and neither its name nor its command line is.
			w.name, _, w.Argv = readImage(pid, s)
		}
		if exe == w.Exe || exe == "" {
			return false
		}
		if w.Exe == "" || w.Exe == o.exeOfSelf() {
			w.name, w.Exe, w.Argv = readImage(pid, s)
			return false
		}
		w.Replaced = true
		p := *w.Process
		p.name, p.Exe, p.Argv = readImage(pid, s)
		p.Seen, p.Replaced = time.Now(), false
		o.all = append(o.all, &p)
		w.Process, o.last[pid] = &p, &p
		return true
	}
	p := &Process{PID: pid, PPID: s.ppid, Ticks: s.ticks, Seen: time.Now()}
	w = &watched{Process: p, fd: fd}
	if fd < 0 && o.wake >= 0 && len(o.live) < maxPidfds {
		if fd, err := openPidfd(pid); err == nil {
			w.fd = fd
		}
	}
	p.name, p.Exe, p.Argv = readImage(pid, s)
	if ns := namespace(strconv.Itoa(pid)); ns != 0 && ns != o.pidns {
		p.PIDNS, p.InnerPID = ns, innerPID(pid)
	}
	// The number may have gone to another process before the pidfd was made.
	if w.fd >= 0 {
		if again, err := readStat(pid); err != nil || again.ticks != s.ticks {
			syscall.Close(w.fd)
			w.fd = -1
		}
	}
	p.Exe, p.Argv, p.name = o.interned.String(p.Exe), o.interned.Strings(p.Argv), o.interned.String(p.name)
	o.all = append(o.all, p)
	o.live[pid], o.last[pid] = w, p
	if w.fd >= 0 {
		o.listen(w.fd, syscall.EPOLLIN|epollET)
	}
	if s.dead() {
		o.deathbed(w, s)
	}
	return true
}

// exeOfSelf is the launcher's own executable: what a child runs between fork
// and exec.
func (o *Observer) exeOfSelf() string {
	exe, _ := os.Readlink("/proc/self/exe")
	return exe
}

// deathbed remembers the status of a process that has ended but is not reaped.
// The kernel shows 0 instead of the status to those who may not trace it.
//
// Of what a dead process ran only the name is left. If that has changed since
// the last look, the process became another program; unless it is that of the
// program that was seen: in an exec the kernel sets the name last.
func (o *Observer) deathbed(w *watched, s stat) {
	if w.name != "" && s.name != w.name && s.name != nameOf(w.Exe) {
		w.Replaced = true
		p := *w.Process
		p.name, p.Exe, p.Argv, p.Seen, p.Replaced = s.name, "", []string{s.name}, time.Now(), false
		o.all = append(o.all, &p)
		w.Process, o.last[w.PID] = &p, &p
	}
	if w.zombie == nil && (s.exitCode != 0 || mayTrace(w.PID)) {
		w.zombie = endOf(s.exitCode, time.Now())
	}
}

// mayTrace reports whether the process belongs to our user, or we are root.
func mayTrace(pid int) bool {
	if os.Geteuid() == 0 {
		return true
	}
	var st syscall.Stat_t
	return syscall.Stat("/proc/"+strconv.Itoa(pid), &st) == nil && int(st.Uid) == os.Geteuid()
}

// ended handles a pidfd that became readable: its process has ended.
func (o *Observer) ended(fd int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for pid, w := range o.live {
		if w.fd != fd {
			continue
		}
		if status, ok := exitOf(fd); ok {
			at := time.Now()
			if w.zombie != nil {
				at = w.zombie.Time
			}
			w.Ended = endOf(status, at)
			o.bury(w)
			return
		}
		if s, err := readStat(pid); err == nil && s.ticks == w.Ticks {
			// Reaped later; the pidfd wakes us again. Or alive: the event was
			// that of another pidfd, which had the number before.
			if s.dead() {
				o.deathbed(w, s)
			}
			return
		}
		o.bury(w)
		return
	}
}

// bury forgets a process that is gone.
func (o *Observer) bury(w *watched) {
	if w.Ended == nil && w.fd >= 0 {
		if status, ok := exitOf(w.fd); ok {
			w.Ended = endOf(status, time.Now())
		}
	}
	if w.Ended == nil {
		w.Ended = w.zombie
	}
	if w.fd >= 0 {
		syscall.Close(w.fd)
	}
	if o.live[w.PID] == w {
		delete(o.live, w.PID)
	}
}

// Spawned tells of a child that the launcher has started.
func (o *Observer) Spawned(pid int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if s, err := readStat(pid); err == nil {
		o.see(pid, s, -1)
	}
}

// Reaped tells of a child, own or adopted, that the launcher has waited for.
func (o *Observer) Reaped(pid int, status uint32) {
	o.mu.Lock()
	defer o.mu.Unlock()
	w := o.live[pid]
	if w == nil {
		p := o.last[pid]
		if p == nil || p.reaped {
			// Adopted and ended between two looks: this is all that is known.
			p = &Process{PID: pid, PPID: o.self, Seen: time.Now()}
			o.all = append(o.all, p)
			o.last[pid] = p
		}
		at := time.Now()
		if p.Ended != nil {
			at = p.Ended.Time // a pidfd was faster
		}
		p.Ended, p.reaped = endOf(status, at), true
		return
	}
	w.reaped = true
	w.Ended = endOf(status, time.Now())
	o.bury(w)
}

// candidate is a process in the process table.
type candidate struct {
	pid int
	stat
}

// Scan looks at the process table and reports whether it saw a new process.
func (o *Observer) Scan() bool {
	o.looking.Lock()
	defer o.looking.Unlock()
	start := time.Now()
	table, ok := o.table()
	o.mu.Lock()
	defer o.mu.Unlock()
	found := false
	present := make(map[int]bool, len(table))
	rest := table[:0]
	for _, c := range table {
		present[c.pid] = true
		if o.live[c.pid] != nil {
			found = o.see(c.pid, c.stat, -1) || found
		} else {
			rest = append(rest, c)
		}
	}
	// A parent may have a greater number than its child.
	for again := true; again; {
		again = false
		left := rest[:0]
		for _, c := range rest {
			if c.ppid == o.self || o.live[c.ppid] != nil {
				o.see(c.pid, c.stat, -1)
				found, again = true, true
			} else {
				left = append(left, c)
			}
		}
		rest = left
	}
	for _, c := range rest {
		o.foreign[c.pid] = true
	}
	for pid, w := range o.live {
		// What came up meanwhile may not have been in the table yet.
		if ok && !present[pid] && w.Seen.Before(start) {
			o.bury(w)
		}
	}
	return found
}

// table reads the process table, without the processes that are known not to
// be ours. ok is false if it is not complete.
func (o *Observer) table() (table []candidate, ok bool) {
	if o.scans++; o.scans%50 == 0 {
		clear(o.foreign)
	}
	d, err := os.Open("/proc")
	if err != nil {
		return nil, false
	}
	defer d.Close()
	for {
		names, err := d.Readdirnames(1024)
		for _, n := range names {
			pid, err := strconv.Atoi(n)
			if err != nil || o.foreign[pid] || pid == o.self {
				continue
			}
			if s, err := readStat(pid); err == nil {
				table = append(table, candidate{pid, s})
			}
		}
		if err != nil {
			return table, err == io.EOF
		}
	}
}

// Live looks at the process table and returns the numbers of the descendants
// that have not ended.
func (o *Observer) Live() []int {
	o.Scan()
	o.mu.Lock()
	defer o.mu.Unlock()
	var pids []int
	for pid, w := range o.live {
		if w.zombie == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// Alive reports whether the process with the number and start time still runs.
// known is false if its number belongs to another pid namespace than ours.
func (o *Observer) Alive(pid int, ticks, pidns uint64) (alive, known bool) {
	if pidns != 0 && pidns != o.pidns {
		return true, false
	}
	s, err := readStat(pid)
	return err == nil && (ticks == 0 || s.ticks == ticks) && !s.dead(), true
}

// Seen returns copies of all processes that have been seen, in that order, as
// they are now.
func (o *Observer) Seen() []*Process {
	o.Scan()
	o.mu.Lock()
	defer o.mu.Unlock()
	seen := make([]*Process, len(o.all))
	for i, p := range o.all {
		q := *p
		if w := o.live[p.PID]; w != nil && w.Process == p {
			q.Running = w.zombie == nil
		}
		seen[i] = &q
	}
	return seen
}

// Stop ends the watch and returns all processes that were seen, in that order.
func (o *Observer) Stop() []*Process {
	close(o.quit)
	if o.wake >= 0 {
		syscall.Write(o.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	}
	o.done.Wait()
	o.answer()
	o.mu.Lock()
	defer o.mu.Unlock()
	for pid, w := range o.live {
		s, err := readStat(pid)
		switch {
		case err != nil || s.ticks != w.Ticks:
			o.bury(w)
		case s.dead():
			o.deathbed(w, s)
			o.bury(w)
		default:
			w.Running = true
			if w.fd >= 0 {
				syscall.Close(w.fd)
			}
		}
	}
	o.door.close()
	for _, fd := range []int{o.epoll, o.wake} {
		if fd >= 0 {
			syscall.Close(fd)
		}
	}
	o.epoll, o.wake = -1, -1
	return o.all
}
