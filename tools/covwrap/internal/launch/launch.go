// Package launch runs a test, with everything that it starts, under
// observation.
//
// The contract with the test:
//
//   - Environment: as the launcher's own, plus COVWRAP_DIR (the profile
//     directory) and, if it is not set, GOCOVERDIR (the same folder, for
//     binaries of stock "go build -cover"). COVWRAP_TEST and COVWRAP_OPTIONS,
//     which are for the launcher, are gone. The launcher's own /proc/<pid>/environ
//     shows COVWRAP_DIR too: a process that was started with an empty
//     environment, whose parent is gone, finds it there.
//   - Standard input, output and error, and every other inherited file: the
//     same open files, untouched. The launcher neither reads nor writes them
//     while the test runs.
//   - Process group and session: the launcher's own, so that a terminal, a
//     shell or Bazel reaches the test as without the launcher.
//   - Signals: see signals_unix.go. The test starts with the mask with which
//     the launcher was started, and ignores SIGHUP and SIGINT if the launcher
//     was started so. It does not inherit an "ignore" of another signal: Go's
//     runtime replaces that before any code of ours runs, in the launcher as in
//     every Go program.
//   - Orphans: the launcher adopts them (PR_SET_CHILD_SUBREAPER) and so is
//     their parent instead of process 1. When the test has ended they get a
//     grace to end by themselves, then SIGTERM, then SIGKILL.
//     On Windows they are those in the job object into which the launcher puts
//     the test; see windows.go.
//   - Exit status: the test's. If a signal ended the test, the launcher ends
//     itself by the same signal, without a core file; if that fails (process 1
//     of a container is immune) it exits with 128 plus the signal's number.
//     Nothing that goes wrong in the launcher changes the test's result, except
//     that the test cannot be started: 127 if it is not there, 126 otherwise.
package launch

import (
	"os"
	"syscall"
	"time"

	"github.com/covwrap/covwrap/embed/countermap"
	"github.com/covwrap/covwrap/tools/covwrap/internal/collect"
	"github.com/covwrap/covwrap/tools/covwrap/internal/proctree"
	"github.com/covwrap/covwrap/tools/covwrap/internal/profdir"
	"github.com/covwrap/covwrap/tools/covwrap/internal/profiles"
)

// Config says what to run and how.
type Config struct {
	Path  string   // the executable
	Argv  []string // its command line, with the name that it sees as its own
	Env   []string // its environment, without what the contract adds
	Dir   string   // its working directory; "" is the launcher's
	Files [3]*os.File

	// Profile is the profile directory, which exists; the caller removes it.
	Profile string
	// Keep keeps the profiles of single processes; nil keeps none.
	Keep *profiles.Store
	// AggregateFrom is as in package collect.
	AggregateFrom int
	// Grace is how long processes that outlive the test may go on before they
	// are ended.
	Grace time.Duration
	// Grouped says that who signals the launcher signals its whole process
	// group, as Bazel does: then nothing is relayed to the test.
	Grouped bool
	// EndAfter ends the test, and what it has started, by SIGTERM when it has
	// run for so long, and by SIGKILL after KillAfter more; 0 never. In between
	// comes SIGQUIT, at which Go prints what every goroutine does: rules_go's
	// tests do not listen to SIGTERM. What the test has started gets it first,
	// since the test may be what passes their output on.
	EndAfter, KillAfter time.Duration
	// Ending is called before that SIGTERM; nil does nothing.
	Ending func()
	// Late is called when the test still runs though SIGKILL is to be expected,
	// with what has been collected by then; nil does nothing. That is LateAfter
	// after SIGTERM, and several times before TimeLimit, if that is not 0.
	Late      func(*Outcome)
	LateAfter time.Duration // 0 is DefaultLateAfter
	// TimeLimit is when the test is going to be ended by others. Under coverage
	// Bazel's own scripts leave no time between SIGTERM and SIGKILL: the first
	// ends the shell that runs the launcher, and the shell above, which sees
	// that, kills the whole group.
	TimeLimit time.Duration
}

// Outcome is how a run went.
type Outcome struct {
	Start, End time.Time
	Status     Status
	// Terminated is when SIGTERM reached the launcher, or it ended the test
	// because of EndAfter; zero if neither.
	Terminated time.Time
	OutOfTime  bool // because of EndAfter; or it is going to be, because of TimeLimit
	// Ended lists the processes that had to be ended after the test.
	Ended     map[int]bool
	Processes []*proctree.Process
	Collected *collect.Result
}

// Status is how the test ended.
type Status struct {
	Code   int
	Signal syscall.Signal // not 0 if a signal ended it
}

// Failed reports whether the test did not exit with status 0.
func (s Status) Failed() bool { return s.Code != 0 || s.Signal != 0 }

// killAfter is how long a process may go on after SIGTERM once the test is over.
const killAfter = 2 * time.Second

// DefaultLateAfter is a little before Bazel's SIGKILL, which comes 15 seconds
// after its SIGTERM (--local_termination_grace_seconds).
const DefaultLateAfter = 11 * time.Second

// shortBefore returns how long before its time limit a test is reported for the
// first time. Each further report comes in the middle of what is left then, as
// long as that is more than shortestBefore: none of them is far from the end,
// whatever the time between the beginning of the limit and that of the launcher.
func shortBefore(limit time.Duration) time.Duration {
	return min(max(limit/10, time.Second), 10*time.Second)
}

const shortestBefore = 500 * time.Millisecond

// hearOutFor is how long a signal may take from the kernel to our channel.
const hearOutFor = 100 * time.Millisecond

// afterTerm is the grace after a termination that came from outside.
const afterTerm = 250 * time.Millisecond

// Run runs the test and collects what its processes counted. An error means
// that the test could not be started.
func Run(c Config) (*Outcome, error) {
	if c.LateAfter == 0 {
		c.LateAfter = DefaultLateAfter
	}
	o := &Outcome{Start: time.Now(), Ended: map[int]bool{}}
	observer := proctree.Start(c.Profile)
	folder := newFolder(collect.Config{
		Dir: c.Profile, Profiles: c.Keep, AggregateFrom: c.AggregateFrom,
		Alive: func(m *countermap.Map) bool {
			if alive, known := observer.Alive(m.PID, m.Ticks, m.PIDNS); known {
				return alive
			}
			return !profdir.Unused(m.Path)
		},
	})
	adopt()
	// Never undone: a second SIGTERM must not end us while the caller writes
	// what was collected.
	signals := listen()
	main, err := start(c, observer)
	if err != nil {
		observer.Stop()
		folder.stop()
		return nil, err
	}
	observer.Spawned(main)
	r := &run{Config: c, outcome: o, observer: observer, folder: folder, signals: signals, main: main, reaped: reap(main, observer)}
	r.untilEnd()
	o.End = time.Now()
	r.hearOut()
	r.stragglers()
	o.Processes = observer.Stop()
	collector := folder.stop()
	reopen(c.Profile)
	collector.Finish()
	o.Collected = collector.Result()
	return o, nil
}

// run is a test that has been started.
type run struct {
	Config
	outcome  *Outcome
	observer *proctree.Observer
	folder   *folder
	signals  *listener
	main     int
	reaped   <-chan death
}

// death is a child, own or adopted, that has ended.
type death struct {
	pid    int
	status uint32 // as Linux encodes it
}

// untilEnd waits until the test itself has ended.
func (r *run) untilEnd() {
	var endAfter, tellBelow, tell, hard, late, early, unheard <-chan time.Time
	if r.EndAfter > 0 {
		endAfter = time.After(r.EndAfter)
	} else if r.TimeLimit > 0 {
		early = time.After(r.TimeLimit - shortBefore(r.TimeLimit))
	}
	var missed syscall.Signal
	for {
		select {
		case d, ok := <-r.reaped:
			if !ok {
				return
			}
			r.observer.Reaped(d.pid, d.status)
			if d.pid == r.main {
				r.outcome.Status = statusOf(d.status)
				return
			}
		case sig := <-r.signals.c:
			s, ok := sig.(syscall.Signal)
			if !ok {
				continue
			}
			if isTermination(s) && r.outcome.Terminated.IsZero() {
				r.outcome.Terminated = time.Now()
				late = time.After(r.LateAfter)
			}
			if relayed(s, r.Grouped) {
				kill(r.main, s)
			} else {
				missed, unheard = s, time.After(unheardAfter)
			}
		case <-unheard:
			if cannotHaveGot(r.main, missed) {
				kill(r.main, missed)
			}
		case <-endAfter:
			r.outcome.OutOfTime = true
			if r.outcome.Terminated.IsZero() {
				r.outcome.Terminated = time.Now()
			}
			if r.Ending != nil {
				r.Ending()
			}
			kill(r.main, terminate)
			r.killBelow(terminate)
			if r.KillAfter > 0 {
				tellBelow, tell = time.After(r.KillAfter/3), time.After(2*r.KillAfter/3)
				hard = time.After(r.KillAfter)
			}
			late = time.After(r.LateAfter)
		case <-tellBelow:
			r.killBelow(syscall.SIGQUIT)
		case <-tell:
			kill(r.main, syscall.SIGQUIT)
		case <-hard:
			kill(r.main, killing)
			r.killBelow(killing)
		case <-late:
			r.reportLate(r.outcome.OutOfTime)
		case <-early:
			r.reportLate(true)
			early = nil
			if left := r.TimeLimit - time.Since(r.outcome.Start); left > shortestBefore {
				early = time.After(left / 2)
			}
		}
	}
}

// reportLate reports the test while it runs, for the case that nobody will be
// there to do so when it has ended.
func (r *run) reportLate(outOfTime bool) {
	if r.Late == nil {
		return
	}
	o := *r.outcome
	o.End, o.OutOfTime = time.Now(), outOfTime
	o.Processes = r.observer.Seen()
	o.Collected = r.folder.snapshot()
	r.Late(&o)
}

// hearOut waits, for a moment, for the signal that ended the test: sent to the
// whole group, it may be known to have killed the test before our own copy of
// it has come through. Without it the test would count as killed by itself, and
// what it left running as a daemon.
func (r *run) hearOut() {
	if !r.Grouped || !r.outcome.Terminated.IsZero() || !isTermination(r.outcome.Status.Signal) {
		return
	}
	never := time.After(hearOutFor)
	for {
		select {
		case s := <-r.signals.c:
			if s, ok := s.(syscall.Signal); ok && isTermination(s) {
				r.outcome.Terminated = r.outcome.End
				return
			}
		case <-never:
			return
		}
	}
}

// killBelow sends a signal to all that runs below the test.
func (r *run) killBelow(sig syscall.Signal) {
	for _, pid := range r.observer.Live() {
		if pid != r.main {
			kill(pid, sig)
		}
	}
}

// stragglers waits for processes that outlive the test, and ends those that
// outlive the grace.
func (r *run) stragglers() {
	grace := r.Grace
	if !r.outcome.Terminated.IsZero() {
		// Who ended the test is not going to wait; but what it sent has reached
		// the others as well, and they are not ours to end if they die of it.
		grace = min(grace, afterTerm)
	}
	term, quit := time.After(grace), (<-chan time.Time)(nil)
	kills := time.NewTicker(50 * time.Millisecond)
	defer kills.Stop()
	sig := terminate
	for {
		select {
		case d, ok := <-r.reaped:
			if !ok {
				return
			}
			r.observer.Reaped(d.pid, d.status)
		case s := <-r.signals.c:
			if s, ok := s.(syscall.Signal); ok && isTermination(s) {
				term = time.After(0)
			}
		case <-term:
			term, quit = nil, time.After(killAfter)
			r.endAll(sig)
		case <-quit:
			quit, sig = nil, killing
			r.endAll(sig)
		case <-kills.C:
			// Processes that were started or became visible since.
			if term == nil && quit == nil {
				r.endAll(sig)
			}
		}
	}
}

// endAll sends a signal to all that is left.
func (r *run) endAll(sig syscall.Signal) {
	for _, pid := range r.observer.Live() {
		r.outcome.Ended[pid] = true
		kill(pid, sig)
	}
}
