// Package hook connects package embed, which is in the user's program in every
// build, with the runtime, which is there in some, without making the first
// depend on the second.
package hook

import "os"

// Set by the runtime, in an init function, in a process whose counters do not
// all reach their file by themselves; nil in all others.
var (
	// Cleanup writes the counters out.
	Cleanup func()
	// OnSignal writes the counters out whenever one of the signals arrives,
	// and then lets happen what would have happened.
	OnSignal func([]os.Signal)
)
