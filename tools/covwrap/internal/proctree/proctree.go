// Package proctree watches the processes below the launcher: which there were,
// what they ran, and how they ended.
//
// It is an observer without power over what it sees. On Linux it learns of a
// process in three ways: the process has a counter map and makes itself known, it
// becomes an orphan and the launcher reaps it, or it is there when the process
// table is read, which happens at intervals that bound the cost to about one
// hundredth of one core. A process that lives between two looks and leaves no
// data is not seen; whoever reports the numbers has to say so.
//
// How a process ended is known exactly for those that the launcher reaps; for
// others if the kernel tells it to the holder of a pidfd (Linux 6.15; of processes
// that were gone before anybody looked, 6.16) or they were seen between their death
// and their burial by the parent.
//
// On Windows the launcher puts the test into a job object, which tells of every
// process that begins and ends in it. Elsewhere only the test itself is known.
package proctree

import (
	"syscall"
	"time"
)

// Process is one process image that was seen.
type Process struct {
	PID   int    // as the launcher sees it
	PPID  int    // when it was first seen
	Ticks uint64 // kernel's start time; 0 unknown
	// PIDNS and InnerPID are its pid namespace, and its number there, if that
	// is not the launcher's own.
	PIDNS    uint64
	InnerPID int
	Exe      string
	Argv     []string
	Seen     time.Time // first
	Ended    *End      // nil if unknown
	Replaced bool      // another image of the same process was seen later
	Running  bool      // still, when this was told
	reaped   bool      // by the launcher
	name     string    // of the program, as the kernel knows it
}

// End is how and when a process ended.
type End struct {
	Time   time.Time
	Code   int            // exit status
	Signal syscall.Signal // not 0 if a signal ended it
}
