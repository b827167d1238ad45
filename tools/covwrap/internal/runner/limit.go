package runner

import (
	"fmt"
	"os"

	"github.com/covwrap/covwrap/tools/covwrap/internal/launch"
)

// timedOut is the exit status of a test that was ended because its time was
// nearly up and that ends with success all the same, as one that shuts down
// in good order on SIGTERM does: it must not count as passed. timeout(1) has
// the same.
const timedOut = 124

// limit has the launcher end a test before Bazel does, if that was asked for.
// A remote worker kills a test whose time is up and returns nothing but its
// log; what the test is ended for in time comes back.
func (o *Options) limit(c *launch.Config) {
	if o.EndBefore <= 0 || o.TimeLimit <= o.EndBefore {
		return
	}
	c.EndAfter = o.TimeLimit - o.EndBefore
	// The other half is for collecting, and for Bazel's own work after a test.
	c.KillAfter = o.EndBefore / 2
	c.Ending = func() {
		fmt.Fprintf(os.Stderr, "covwrap: the test has run for %v and is ended now, %v before its time-out (end_before_timeout)\n",
			c.EndAfter, o.EndBefore)
	}
}
