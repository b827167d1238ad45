package proctree

import "time"

// endOf translates an exit status. Those of exceptions have the highest bit, and
// are negative here as they are for package launch.
func endOf(status uint32, at time.Time) *End { return &End{Time: at, Code: int(int32(status))} }
