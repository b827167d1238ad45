//go:build linux

package matrix

import (
	"fmt"
	"syscall"

	"example.com/matrix/internal/oracle"
)

type counts = oracle.Counts

// End is a way for a process to end.
type End struct {
	Name   string
	Args   string // of the subject: NAME, or NAME REST...; DIR is put in
	Script string // what its parent does to it (package parent)
	Status string
	Counts counts            // beyond those of every process
	Slack  map[string]uint64 // see oracle.Want
	Tally  []string          // these tags are counted by the tally
	// Images is how many covered process images there are; 0 means one.
	Images int
	// Flush says that Go runs its exit hooks at this end: what a runtime that
	// writes at exit can keep. The cells of stock binaries prove it.
	Flush bool
	// Half says that of several images some are flushed.
	Half bool

	Dump   bool   // the message has registers, or stacks of wherever it was: it is compared up to there
	Limit  string // commands of sh
	Pipe   bool   // standard output is a pipe
	Group  bool   // in a process group of its own
	Cgo    bool   // only the cgo kind has it
	NoRace string // why the race detector changes this end
	Ledger string // how the ledger says it ended, if not as Status has it
}

// image is what every process of the subject runs.
var image = counts{
	"control": 1, "main": 1,
	"work.seven": 1, "work.loop": 7, "work.sum": 1,
	"work.odd": 7, "work.odd.yes": 3, "work.odd.no": 4,
}

// otherImage is what every process of the other binary runs.
var otherImage = counts{
	"control": 1, "other": 1, "park": 1,
	"work.seven": 1, "work.loop": 7, "work.sum": 1,
	"work.odd": 7, "work.odd.yes": 3, "work.odd.no": 4,
}

// must is a call of control.Must that succeeds, n times.
func must(n uint64) counts { return counts{"must": n} }

var sum = oracle.Sum

// ends are all of them, apart from signals, which signalEnds adds.
var ends = append([]*End{
	{Name: "return from main", Args: "return", Status: "exit status 0", Counts: counts{"return": 1}, Flush: true},
	{Name: "os.Exit(0)", Args: "exit 0", Status: "exit status 0", Counts: sum(counts{"exit": 1}, must(1)), Flush: true},
	{Name: "os.Exit(3)", Args: "exit 3", Status: "exit status 3", Counts: sum(counts{"exit": 1}, must(1)), Flush: true},
	{Name: "log.Fatal", Args: "log-fatal", Status: "exit status 1", Counts: counts{"log-fatal": 1}, Flush: true},
	{Name: "syscall.Exit(3)", Args: "syscall-exit", Status: "exit status 3", Counts: counts{"syscall-exit": 1}},
	{Name: "raw exit_group(3)", Args: "exit-group", Status: "exit status 3", Counts: counts{"exit-group": 1}},

	{Name: "panic in main", Args: "panic", Status: "exit status 2", Counts: counts{"panic": 1}},
	{Name: "panic in another goroutine", Args: "panic-goroutine", Status: "exit status 2", Counts: counts{"panic-goroutine": 1, "panic-goroutine.panic": 1}},
	{Name: "panic, recovered, os.Exit(4)", Args: "panic-recovered", Status: "exit status 4", Counts: counts{"panic-recovered": 1, "panic-recovered.recover": 1}, Flush: true},
	{Name: "runtime.Goexit in main", Args: "goexit", Status: "exit status 2", Counts: counts{"goexit": 1}},
	{Name: "fatal error: unlock of unlocked mutex", Args: "unlock-of-unlocked", Status: "exit status 2", Counts: counts{"unlock-of-unlocked": 1}},
	{
		Name: "fatal error: concurrent map writes", Args: "concurrent-map-write", Status: "exit status 2", Dump: true,
		Counts: sum(counts{"concurrent-map-write": 1, "concurrent-map-write.goroutine": 2, "tally": 1}, must(2)),
		Tally:  []string{"concurrent-map-write.loop"}, Slack: map[string]uint64{"concurrent-map-write.loop": 2},
		NoRace: "the race detector reports the race, in other words each time",
	},
	{
		Name: "stack overflow", Args: "stack-overflow", Status: "exit status 2", Dump: true,
		Counts: sum(counts{"stack-overflow": 1, "tally": 1}, must(2)),
		Tally:  []string{"stack-overflow.recurse"}, Slack: map[string]uint64{"stack-overflow.recurse": 1},
	},
	{Name: "deadlock", Args: "deadlock", Status: "exit status 2", Counts: counts{"deadlock": 1}, NoRace: "the race detector's own thread hides the deadlock from the runtime"},
	{
		Name: "out of memory under a limit", Args: "out-of-memory", Status: "exit status 2", Dump: true, Limit: "ulimit -v 8000000",
		Counts: counts{"out-of-memory": 1}, NoRace: "the race detector needs terabytes of address space",
	},
	{Name: "nil dereference", Args: "nil-dereference", Status: "exit status 2", Counts: counts{"nil-dereference": 1}},
	{Name: "segmentation fault in Go", Args: "fault", Status: "exit status 2", Counts: sum(counts{"fault": 1}, must(1)), Dump: true},
	{Name: "segmentation fault in C", Args: "c-segfault", Status: "exit status 2", Counts: counts{"c-segfault": 1}, Dump: true, Cgo: true},
	{Name: "abort() in C", Args: "c-abort", Status: "exit status 2", Counts: counts{"c-abort": 1}, Dump: true, Cgo: true},
	{Name: "exit(3) in C", Args: "c-exit", Status: "exit status 3", Counts: counts{"c-exit": 1}, Cgo: true},
	{
		Name: "writes to a closed pipe", Args: "broken-pipe", Script: "ready close-output go", Pipe: true, Status: "signal: broken pipe",
		Counts: counts{"broken-pipe": 1, "park": 1},
	},
	{
		Name: "out of file descriptors, then returns", Args: "out-of-files", Limit: "ulimit -n 64", Status: "exit status 0",
		Counts: counts{"out-of-files": 1, "open": 60, "out-of-files.open": 59, "out-of-files.full": 1},
		// Go's own exit hook has no descriptor left to write with.
	},
	{Name: "gives up root, then returns", Args: "setuid", Status: "exit status 0", Counts: sum(counts{"setuid": 1}, must(2)), Flush: true},

	{Name: "SIGKILL", Args: "block", Script: "ready 9", Status: "signal: killed", Counts: blocked},
	{
		Name: "SIGKILL in the middle of a loop", Args: "spin", Script: "ready 9", Status: "signal: killed",
		Counts: sum(counts{"spin": 1, "spin.ready": 1, "ready": 1, "tally": 1}, must(2)),
		Tally:  []string{"spin.loop"}, Slack: map[string]uint64{"spin.loop": 1},
	},
	{Name: "SIGSTOP, then SIGKILL", Args: "block", Script: "ready 19 stopped 9", Status: "signal: killed", Counts: blocked},
	{Name: "SIGTERM, twice at once, no handler", Args: "block", Script: "ready 15 15", Status: "signal: terminated", Counts: blocked},
	{
		Name: "SIGTERM, twice at once, handled", Args: "notify 15", Script: "ready 15 15", Status: "exit status 5", Flush: true,
		Counts: sum(counts{"notify": 1, "number": 1, "ready": 1, "shutdown": 1, "main.exit": 1}, must(1)),
	},
	{
		Name: "SIGTERM during cleanup, handled", Args: "slow-cleanup 15", Script: "ready 15 ready 15", Status: "exit status 0", Flush: true,
		Counts: sum(counts{"slow-cleanup": 1, "number": 1, "ready": 2, "shutdown": 2}, must(1)),
	},
	{
		Name: "SIGTERM during cleanup, default action restored", Args: "interrupted 15", Script: "ready 15 ready 15", Status: "signal: terminated",
		Counts: sum(counts{"interrupted": 1, "number": 1, "ready": 1, "park": 1, "shutdown": 1}, must(1)),
	},
	{
		Name: "SIGTERM raised by the program itself", Args: "raise 15", Status: "signal: terminated",
		Counts: sum(counts{"raise": 1, "number": 1}, must(1)),
	},

	{
		Name: "syscall.Exec of itself, then returns", Args: "exec-self return DIR", Status: "exit status 0", Images: 2, Half: true,
		Counts: sum(image, counts{"exec-self": 1, "return": 1}, must(1)),
	},
	{
		Name: "syscall.Exec of itself, then SIGKILL", Args: "exec-self block DIR", Script: "ready 9", Status: "signal: killed", Images: 2,
		Counts: sum(image, counts{"exec-self": 1}, blocked, must(1)),
	},
	{
		Name: "syscall.Exec of another covered binary", Args: "exec-other OTHER wait DIR", Script: "ready 9", Status: "signal: killed", Images: 2,
		Counts: sum(otherImage, counts{"exec-other": 1}),
	},
	{Name: "syscall.Exec of /bin/true", Args: "exec /bin/true", Status: "exit status 0", Counts: counts{"exec": 1}},
}, signalEnds()...)

var blocked = counts{"block": 1, "park": 1}

// signalEnds makes the ends by each signal that can be caught: without a
// handler, ignored, and handled.
func signalEnds() []*End {
	var all []*End
	for _, s := range []struct {
		sig    syscall.Signal
		name   string
		status string // without a handler
		own    bool   // the runtime keeps it for itself: signal.Notify never gets it
	}{
		{syscall.SIGHUP, "SIGHUP", "signal: hangup", false},
		{syscall.SIGINT, "SIGINT", "signal: interrupt", false},
		{syscall.SIGQUIT, "SIGQUIT", dumps, false},
		{syscall.SIGILL, "SIGILL", dumps, false},
		{syscall.SIGTRAP, "SIGTRAP", dumps, false},
		{syscall.SIGABRT, "SIGABRT", dumps, false},
		{syscall.SIGBUS, "SIGBUS", dumps, false},
		{syscall.SIGFPE, "SIGFPE", dumps, false},
		{syscall.SIGUSR1, "SIGUSR1", survives, false},
		{syscall.SIGSEGV, "SIGSEGV", dumps, false},
		{syscall.SIGUSR2, "SIGUSR2", survives, false},
		{syscall.SIGPIPE, "SIGPIPE", survives, false},
		{syscall.SIGALRM, "SIGALRM", survives, false},
		{syscall.SIGTERM, "SIGTERM", "signal: terminated", false},
		{syscall.SIGSTKFLT, "SIGSTKFLT", dumps, false},
		{syscall.SIGCHLD, "SIGCHLD", survives, false},
		{syscall.SIGCONT, "SIGCONT", survives, false},
		{syscall.SIGTSTP, "SIGTSTP", stops, false},
		{syscall.SIGTTIN, "SIGTTIN", stops, false},
		{syscall.SIGTTOU, "SIGTTOU", stops, false},
		{syscall.SIGURG, "SIGURG", survives, false},
		{syscall.SIGXCPU, "SIGXCPU", survives, false},
		{syscall.SIGXFSZ, "SIGXFSZ", survives, false},
		{syscall.SIGVTALRM, "SIGVTALRM", survives, false},
		{syscall.SIGPROF, "SIGPROF", survives, true},
		{syscall.SIGWINCH, "SIGWINCH", survives, false},
		{syscall.SIGIO, "SIGIO", survives, false},
		{syscall.SIGPWR, "SIGPWR", survives, false},
		{syscall.SIGSYS, "SIGSYS", dumps, false},
		{syscall.Signal(40), "real-time signal 40", survives, false},
	} {
		plain := &End{Name: s.name + ", no handler", Args: "block", Counts: blocked, Status: s.status}
		switch s.status {
		case survives:
			plain.Script, plain.Status, plain.Flush = fmt.Sprintf("ready %d go", s.sig), "exit status 0", true
		case stops:
			// Stopped where it waits, it is continued and returns.
			plain.Script, plain.Status, plain.Flush = fmt.Sprintf("ready %d stopped 18 go", s.sig), "exit status 0", true
			plain.Group = true
		case dumps:
			plain.Script, plain.Status, plain.Dump = fmt.Sprintf("ready %d", s.sig), "exit status 2", true
		default:
			plain.Script = fmt.Sprintf("ready %d", s.sig)
		}
		all = append(all, plain)
		if s.own {
			continue
		}
		all = append(all, &End{
			Name: s.name + ", signal.Ignore", Args: fmt.Sprintf("ignore %d", s.sig),
			Script: fmt.Sprintf("ready %d go", s.sig), Status: "exit status 0", Flush: true,
			Counts: sum(counts{"ignore": 1, "number": 1, "park": 1}, must(1)),
		}, &End{
			Name: s.name + ", signal.Notify and a shutdown", Args: fmt.Sprintf("notify %d", s.sig),
			Script: fmt.Sprintf("ready %d", s.sig), Status: "exit status 5", Flush: true,
			Counts: sum(counts{"notify": 1, "number": 1, "ready": 1, "shutdown": 1, "main.exit": 1}, must(1)),
		}, &End{
			Name: s.name + ", signal.NotifyContext", Args: fmt.Sprintf("notify-context %d", s.sig),
			Script: fmt.Sprintf("ready %d", s.sig), Status: "exit status 0", Flush: true,
			Counts: sum(counts{"notify-context": 1, "number": 1, "ready": 1, "shutdown": 1}, must(1)),
		})
	}
	return all
}

// What a signal does to a Go program that has no handler for it.
const (
	dumps    = "dumps"    // ends it with exit status 2 and a stack dump
	survives = "survives" // nothing
	stops    = "stops"    // stops it
)

// find returns the end of that name.
func end(name string) *End {
	for _, e := range ends {
		if e.Name == name {
			return e
		}
	}
	panic("no end " + name)
}
