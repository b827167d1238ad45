// Package account puts together what was collected with what was seen of the
// processes, into a ledger.
package account

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/covwrap/covwrap/embed/countermap"
	"github.com/covwrap/covwrap/tools/covwrap/internal/collect"
	"github.com/covwrap/covwrap/tools/covwrap/internal/launch"
	"github.com/covwrap/covwrap/tools/covwrap/internal/ledger"
	"github.com/covwrap/covwrap/tools/covwrap/internal/proctree"
)

// process is one process with all of its images that were seen.
type process struct {
	images  []*proctree.Process
	matched []bool // the image has data, or is known to be left out
	covered int    // images with data
}

// end returns how the process ended.
func (p *process) end() *proctree.End {
	for _, i := range p.images {
		if i.Ended != nil {
			return i.Ended
		}
	}
	return nil
}

// key tells processes apart.
type key struct {
	pid   int
	pidns uint64
	ticks uint64
}

// Build fills in the ledger's account: how each child ended, who is missing,
// and the three numbers. timeLimit is what the test was given, 0 if unknown.
func Build(l *ledger.Ledger, o *launch.Outcome, timeLimit time.Duration) {
	l.Version = ledger.Version
	l.Start, l.End = o.Start.UTC(), o.End.UTC()
	l.Ended = ended(o.Status.Code, o.Status.Signal)
	l.Outcome = outcome(o, timeLimit)
	l.Binaries, l.Trouble, l.LeftOutMore = o.Collected.Binaries, o.Collected.Trouble, o.Collected.LeftMore
	l.SpawnedIs = "observed"

	seen := group(o.Processes)
	order := seen.order
	extra := 0                     // images with data beyond one per process that was seen
	var elsewhere []*collect.Child // with data of a pid namespace, but not seen as such
	own := map[uint64]bool{}       // the launcher's pid namespace
	for i := range o.Collected.Children {
		c := &o.Collected.Children[i]
		if c.Processes > 0 {
			l.Children = append(l.Children, c.Child)
			l.Collected += c.Processes
			continue
		}
		l.Collected++
		p, image := seen.find(c)
		if image == nil && c.PIDNS != 0 && c.Ticks != 0 {
			elsewhere = append(elsewhere, c)
		}
		own[c.PIDNS] = own[c.PIDNS] || image != nil && image.PIDNS == 0
		if p != nil {
			describe(&c.Child, c.Noted, p, image, o)
			if p.covered++; p.covered > 1 {
				extra++
			}
		} else {
			noted(&c.Child, c.Noted)
			extra++
		}
		l.Children = append(l.Children, c.Child)
	}
	for _, j := range o.Collected.Joined {
		c := collect.Child{Child: ledger.Child{PID: j.PID, Exe: j.Exe, Start: j.Start}, PIDNS: j.PIDNS, Ticks: j.Ticks}
		p, image := seen.find(&c)
		if image == nil && c.PIDNS != 0 && c.Ticks != 0 {
			elsewhere = append(elsewhere, &c)
		}
		own[c.PIDNS] = own[c.PIDNS] || image != nil && image.PIDNS == 0
		if p != nil {
			p.covered++
		}
		if p == nil || p.covered > 1 {
			extra++
		}
	}
	for _, m := range o.Collected.LeftOut {
		if p := seen.at(m.PID, time.Unix(0, m.Nanos)); p != nil {
			if m.Argv == nil {
				m.Argv = p.images[len(p.images)-1].Argv
			}
			for i := range p.matched {
				p.matched[i] = true
			}
		} else {
			extra++
		}
		l.LeftOut = append(l.LeftOut, m.LeftOut)
	}
	// One of those that count together was not seen, as a rule; if it is of our own
	// namespace, no image that was seen can be its.
	elsewhere = slices.DeleteFunc(elsewhere, func(c *collect.Child) bool { return c.Argv == nil && own[c.PIDNS] })
	markShortlived(order, elsewhere)
	copies := silent(l, order)
	l.Covered = l.Collected + len(l.LeftOut) + l.LeftOutMore
	l.SpawnedAtLeast = l.Covered
	if len(order) > 0 && !touched(order[0]) {
		l.SpawnedAtLeast++ // the test itself
	}
	l.Spawned = max(len(order)-copies+extra+l.LeftOutMore, l.SpawnedAtLeast)
}

// touched reports whether a process has data or is left out by name.
func touched(p *process) bool {
	for _, m := range p.matched {
		if m {
			return true
		}
	}
	return false
}

// outcome labels the test.
func outcome(o *launch.Outcome, timeLimit time.Duration) string {
	switch {
	case o.OutOfTime:
		return ledger.TimedOut
	case !o.Terminated.IsZero():
		// Bazel ends a test for two reasons: its time is up, or the user gave up.
		if timeLimit > 0 && o.Terminated.Sub(o.Start) > timeLimit-timeLimit/20-time.Second {
			return ledger.TimedOut
		}
		return ledger.Killed
	case o.Status.Signal != 0:
		return ledger.Killed
	case o.Status.Code != 0:
		return ledger.Failed
	}
	return ledger.Passed
}

// processes are all that were seen.
type processes struct {
	order []*process
	byKey map[key][]*process
	byPID map[int][]*process // in the order in which they were seen
}

// group puts images of one process together. Processes that the kernel numbers
// alike for us are one, but for the first process of a pid namespace: the
// kernel gives a namespace's own number to the next one at once, and if both
// began within the same hundredth of a second, nothing tells them apart.
func group(seen []*proctree.Process) *processes {
	s := &processes{byKey: map[key][]*process{}, byPID: map[int][]*process{}}
	for _, i := range seen {
		k := key{i.PID, 0, i.Ticks}
		ps := s.byKey[k]
		if ps == nil || i.Ticks == 0 {
			ps = []*process{{}}
			s.byKey[k] = ps
			s.order = append(s.order, ps[0])
			s.byPID[i.PID] = append(s.byPID[i.PID], ps[0])
		}
		p := ps[0]
		p.images, p.matched = append(p.images, i), append(p.matched, false)
		if i.PIDNS != 0 && len(p.images) == 1 {
			inner := key{i.InnerPID, i.PIDNS, i.Ticks}
			s.byKey[inner] = append(s.byKey[inner], p)
		}
	}
	return s
}

// find returns the process of a child and, if it was seen, its image, which is
// marked.
func (s *processes) find(c *collect.Child) (*process, *proctree.Process) {
	ps := s.byKey[key{c.PID, c.PIDNS, c.Ticks}]
	if ps == nil && c.Ticks != 0 {
		ps = s.byKey[key{c.PID, 0, c.Ticks}]
	}
	if ps == nil {
		at := c.Start
		if at.IsZero() {
			at = c.End
		}
		p := s.at(c.PID, at)
		if p == nil || c.Ticks != 0 && p.images[0].Ticks != 0 { // another process with its number
			return nil, nil
		}
		ps = []*process{p}
	}
	for _, p := range ps {
		for i, image := range p.images {
			if !p.matched[i] && (c.Exe == "" || image.Exe == c.Exe || image.Exe == "") {
				p.matched[i] = true
				return p, image
			}
		}
	}
	return ps[len(ps)-1], nil
}

// at returns the process that had a number at some time, nil if none is known.
// Numbers come around again, so the last one that began before is meant.
func (s *processes) at(pid int, at time.Time) *process {
	var found *process
	if pid == 0 {
		return nil
	}
	for _, p := range s.byPID[pid] {
		if found == nil || !p.images[0].Seen.After(at.Add(time.Second)) {
			found = p
		}
	}
	return found
}

// markShortlived marks the images of processes that ended before the number that
// they have in a pid namespace of their own could be read. Nothing but the time
// of their start, to a hundredth of a second, and what they ran tell which data
// is theirs; without this each would be reported as a loss.
func markShortlived(order []*process, children []*collect.Child) {
	type sight struct {
		ticks     uint64
		exe, argv string
	}
	data := map[sight]int{}
	together := map[sight]int{} // without the command line, which nobody told
	for _, c := range children {
		if c.Argv == nil {
			together[sight{c.Ticks, c.Exe, ""}]++
			continue
		}
		data[sight{c.Ticks, c.Exe, strings.Join(c.Argv, "\x00")}]++
		data[sight{c.Ticks, c.Exe, ""}]++ // it may have been gone before its command line was read
	}
	for _, p := range order {
		for i, image := range p.images {
			s := sight{image.Ticks, image.Exe, strings.Join(image.Argv, "\x00")}
			if p.matched[i] {
				continue
			}
			if data[s] > 0 {
				data[s]--
				p.matched[i] = true
			} else if s.argv = ""; together[s] > 0 {
				together[s]--
				p.matched[i] = true
			}
		}
	}
}

// describe says how a child ended.
func describe(c *ledger.Child, note countermap.Exit, p *process, image *proctree.Process, o *launch.Outcome) {
	last := p.images[len(p.images)-1]
	if c.PPID == 0 {
		c.PPID = p.images[0].PPID
	}
	if c.Exe == "" {
		c.Exe = last.Exe
	}
	if c.Ended.How == ledger.Execed {
		return
	}
	if image != nil && image.Replaced || image == nil && seenAfter(c, last) {
		c.Ended = ledger.Ended{How: ledger.Execed}
		return
	}
	e := p.end()
	if e == nil {
		noted(c, note)
		if last.Running {
			c.Ended = ledger.Ended{How: ledger.Running}
		}
		return
	}
	c.Ended, c.End = ended(e.Code, e.Signal), e.Time.UTC()
	c.Ended.ByUs = o.Ended[last.PID] && killed(e)
}

// noted says how a child ended by its own word.
func noted(c *ledger.Child, note countermap.Exit) {
	if c.Ended.How == ledger.Execed {
		return
	}
	success := note == countermap.ExitSuccess
	switch {
	case success:
		code := 0
		c.Ended = ledger.Ended{How: ledger.Exited, Code: &code}
	case note == countermap.ExitFailure:
		c.Ended = ledger.Ended{How: ledger.Exited, Success: &success}
	case c.Collected == "stock":
		// Go's own runtime writes counters at a clean exit only.
		c.Ended = ledger.Ended{How: ledger.Exited}
	}
}

// ended is the ledger's form of a status.
func ended(code int, sig syscall.Signal) ledger.Ended {
	if sig != 0 {
		return ledger.Ended{How: ledger.Signaled, Signal: signalName(sig)}
	}
	return ledger.Ended{How: ledger.Exited, Code: &code}
}

// silent finds processes that were built for coverage but left nothing. It
// returns how many processes were seen as a copy of their parent only: Go's
// runtime, for one, makes such a copy for a microsecond to try what the kernel
// offers, and whether it is seen is chance.
func silent(l *ledger.Ledger, order []*process) (copies int) {
	check := newChecker()
	gone := 0
	why, mend := "without leaving counters", ledger.MendStock
	for _, t := range l.Trouble {
		if t.Slug == "profile-directory-lost" {
			why, mend = "and the profile directory with its counters is gone", "leave the folder that COVWRAP_DIR names alone"
		}
	}
	byPid := map[int]*process{}
	for _, p := range order {
		parent := byPid[p.images[0].PPID]
		if len(p.images) == 1 && !p.matched[0] && forkWindow(p.images[0], parent) {
			copies++
		}
		for i, image := range p.images {
			byPid[image.PID] = p
			if p.matched[i] || image.Exe == "" || forkWindow(image, parent) {
				continue
			}
			covered, known := check.covered(image.Exe)
			p.matched[i] = covered
			if !known {
				gone++
				continue
			}
			if !covered {
				continue
			}
			l.LeftOut = append(l.LeftOut, ledger.LeftOut{
				PID: image.PID, Argv: image.Argv, Slug: "no-counters",
				Why: "built for coverage, but " + how(p) + " " + why, Mend: mend,
			})
		}
	}
	if gone > 0 {
		l.Trouble = append(l.Trouble, ledger.Trouble{Slug: "executable-gone", Text: fmt.Sprintf("%d processes left no counters and ran executables that no longer exist; whether they were built for coverage is not known", gone)})
	}
	return copies
}

func how(p *process) string {
	switch e := p.end(); {
	case e == nil:
		return "it ended"
	case e.Signal != 0:
		return "ended by " + signalName(e.Signal)
	default:
		return fmt.Sprintf("exited with status %d", e.Code)
	}
}
