//go:build !linux && !windows

package launch

import (
	"errors"
	"os"
	"os/exec"

	"github.com/covwrap/covwrap/tools/covwrap/internal/proctree"
)

// adopt does nothing: only Linux hands orphans to an ancestor.
func adopt() {}

// started is the test that start has started; one at a time.
var started *os.Process

// start starts the test.
func start(c Config, _ *proctree.Observer) (pid int, err error) {
	started, err = os.StartProcess(c.Path, c.Argv, &os.ProcAttr{Dir: c.Dir, Env: childEnv(c), Files: c.Files[:]})
	if err != nil {
		return 0, err
	}
	return started.Pid, nil
}

// reap waits for the test. Its descendants are not known here.
func reap(main int, _ *proctree.Observer) <-chan death {
	c := make(chan death, 1)
	p := started
	go func() {
		defer close(c)
		state, err := p.Wait()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			c <- death{main, 1 << 8}
			return
		}
		c <- death{main, waitStatus(state)}
	}()
	return c
}
