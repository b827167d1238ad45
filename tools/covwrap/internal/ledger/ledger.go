// Package ledger is the list of what ran under a test: every process, how it
// ended, how its counters were collected, and what could not be collected and
// why. It is written as JSON into the test's undeclared outputs.
//
// The order of everything in it is fixed, so that two ledgers of the same run
// differ in times and process numbers only.
package ledger

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// Version is the version of the JSON form. A reader refuses a greater one.
const Version = 1

// FileName is the ledger's name in the folder "covwrap" of the undeclared
// outputs.
const FileName = "ledger.json"

// Outcomes of a test.
const (
	Passed   = "passed"
	Failed   = "failed"
	TimedOut = "timed out" // it was told to end when its time was up
	Killed   = "killed"    // it was told to end before that, or ended by a signal
)

// Ledger is the whole of one test run.
type Ledger struct {
	Version int       `json:"version"`
	Test    string    `json:"test,omitempty"` // label of the test, if Bazel ran it
	Command []string  `json:"command"`
	Shard   string    `json:"shard,omitempty"` // "2/5": the second of five shards
	Run     string    `json:"run,omitempty"`   // number of the run (--runs_per_test)
	Outcome string    `json:"outcome"`
	Ended   Ended     `json:"ended"`
	Start   time.Time `json:"start"`
	End     time.Time `json:"end"`

	// Spawned counts the process images that were seen: a process that execs
	// another program is two.
	Spawned int `json:"spawned"`
	// SpawnedIs is "exact", or "observed" when processes that live for less
	// than a look at the process table, and leave no data, may be missing.
	SpawnedIs string `json:"spawned_is"`
	// SpawnedAtLeast leaves out what was seen by chance: the test itself and
	// the covered processes. It is the same whenever the test does the same.
	SpawnedAtLeast int `json:"spawned_at_least"`
	// Covered counts those of them that were built for coverage, and
	// Collected those of the covered whose counters are in the report.
	Covered   int `json:"covered"`
	Collected int `json:"collected"`

	Binaries []Binary  `json:"binaries,omitempty"`
	Children []Child   `json:"children"`
	LeftOut  []LeftOut `json:"left_out,omitempty"`
	// LeftOutMore counts those that LeftOut has no room for.
	LeftOutMore int       `json:"left_out_more,omitempty"`
	Trouble     []Trouble `json:"trouble,omitempty"`
}

// Binary is a distinct covered binary.
type Binary struct {
	Hash   string `json:"hash"` // of its meta-data, as in profiles/covmeta.<hash>
	Exe    string `json:"exe,omitempty"`
	Mode   string `json:"mode"` // set, count or atomic
	Blocks int    `json:"blocks"`
	// Processes is how many ran it, BlocksCovered what they covered together.
	Processes     int `json:"processes"`
	BlocksCovered int `json:"blocks_covered"`
}

// Child is one covered process image whose counters were collected, or, by
// Collected, the many that counted together.
type Child struct {
	PID    int       `json:"pid"`
	PPID   int       `json:"ppid,omitempty"`
	UID    int       `json:"uid"`
	Argv   []string  `json:"argv,omitempty"`
	Exe    string    `json:"exe,omitempty"`
	Binary string    `json:"binary"`
	Start  time.Time `json:"start,omitzero"`
	End    time.Time `json:"end,omitzero"` // if it was seen
	Ended  Ended     `json:"ended"`
	// Collected is "map" (counter map: exact whatever ended the process),
	// "aggregate" (one map of many processes),
	// "flush" (written by package embed where no map was possible, and not on
	// a clean exit: what came after the last call is lost) or "stock" (written
	// on a clean exit, in Go's own way).
	Collected string `json:"collected"`
	// Processes is how many counted into an aggregate map. They are not told
	// apart: there is no number, command line or end of each.
	Processes int `json:"processes,omitempty"`
	// BlocksCovered counts blocks with statements that ran here, and
	// BlocksOnlyHere those of them that ran in no other process.
	BlocksCovered  int `json:"blocks_covered"`
	BlocksOnlyHere int `json:"blocks_only_here"`
	// Profile is the process's counter file under profiles/, if it was kept.
	Profile string `json:"profile,omitempty"`
	// Trouble says what is inexact or missing.
	Trouble string `json:"trouble,omitempty"`
}

// Ways in which a process ended.
const (
	Exited   = "exit"
	Signaled = "signal"
	Execed   = "exec" // it became another program
	Running  = "running"
	Unknown  = "unknown" // nobody who saw it end told us
)

// Ended is how a process ended.
type Ended struct {
	How string `json:"how"`
	// Code is the exit status of an exit; nil if only that it exited, or
	// whether with success, is known.
	Code *int `json:"code,omitempty"`
	// Success is set instead of Code when the process itself told us only
	// that much.
	Success *bool `json:"success,omitempty"`
	// Signal is the name of the signal, "SIGKILL".
	Signal string `json:"signal,omitempty"`
	// ByUs is true for a process that was still running at the end of the
	// test and had to be ended.
	ByUs bool `json:"by_us,omitempty"`
}

// LeftOut is a covered process that is not in the report.
type LeftOut struct {
	PID  int      `json:"pid"`
	Argv []string `json:"argv,omitempty"`
	Slug string   `json:"slug"` // documented in docs/messages.md
	Why  string   `json:"why"`
	Mend string   `json:"mend,omitempty"` // what to do about it
}

// Trouble is something that went wrong and concerns no single process.
type Trouble struct {
	Slug string `json:"slug"`
	Text string `json:"text"`
	// More counts further ones of the kind.
	More int `json:"more,omitempty"`
}

// Write writes the ledger as indented JSON. Children are encoded one at a time:
// the text of ten thousand is several times the memory that the rest of the
// launcher takes.
func (l *Ledger) Write(w io.Writer) error {
	frame := *l
	frame.Children = []Child{}
	text, err := encode(&frame, "")
	if err != nil {
		return err
	}
	// A line break is escaped in a string, so that this is the field.
	before, after, ok := bytes.Cut(text, []byte("\n \"children\": []"))
	if !ok || len(l.Children) == 0 {
		_, err := w.Write(text)
		return err
	}
	out := bufio.NewWriter(w)
	out.Write(before)
	out.WriteString("\n \"children\": [")
	for i := range l.Children {
		if i > 0 {
			out.WriteByte(',')
		}
		child, err := encode(&l.Children[i], "  ")
		if err != nil {
			return err
		}
		out.WriteString("\n  ")
		out.Write(bytes.TrimSuffix(child, []byte("\n")))
	}
	out.WriteString("\n ]")
	out.Write(after)
	return out.Flush()
}

// encode returns v as JSON, each line but the first behind prefix.
func encode(v any, prefix string) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent(prefix, " ")
	err := e.Encode(v)
	return b.Bytes(), err
}

// Read reads a ledger; name is for the error message.
func Read(name string, r io.Reader) (*Ledger, error) {
	l := &Ledger{}
	if err := json.NewDecoder(r).Decode(l); err != nil {
		return nil, fmt.Errorf("%s: not a ledger: %w", name, err)
	}
	if l.Version < 1 || l.Version > Version {
		return nil, fmt.Errorf("%s: ledger of version %d; this covwrap reads versions up to %d", name, l.Version, Version)
	}
	return l, nil
}
