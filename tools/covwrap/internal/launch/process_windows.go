package launch

import (
	"os"
	"syscall"

	"github.com/covwrap/covwrap/tools/covwrap/internal/proctree"
	"github.com/covwrap/covwrap/tools/covwrap/internal/win32"
)

// adopt does nothing: the job object, into which start puts the test, has all
// of its descendants.
func adopt() {}

// started is the test that start has started; one at a time.
var started *os.Process

// start starts the test inside the job object. It is suspended until it is in
// there: what it started before would not be.
func start(c Config, observer *proctree.Observer) (pid int, err error) {
	started, err = os.StartProcess(c.Path, c.Argv, &os.ProcAttr{
		Dir: c.Dir, Env: childEnv(c), Files: c.Files[:],
		Sys: &syscall.SysProcAttr{CreationFlags: win32.CreateSuspended},
	})
	if err != nil {
		return 0, err
	}
	h, err := win32.OpenToAdd(uint32(started.Pid))
	if err == nil {
		// Without a job the test runs all the same; then nothing is known of its
		// descendants.
		observer.Add(h)
		syscall.CloseHandle(h)
	}
	if err := win32.Resume(uint32(started.Pid)); err != nil {
		started.Kill()
		started.Wait()
		return 0, err
	}
	return started.Pid, nil
}

// reap waits for the test. The channel is closed when none of its descendants
// is left.
func reap(main int, observer *proctree.Observer) <-chan death {
	c := make(chan death, 1)
	p := started
	go func() {
		defer close(c)
		status := uint32(KilledStatus)
		if state, err := p.Wait(); err == nil {
			status = waitStatus(state)
		}
		c <- death{main, status}
		observer.Empty()
	}()
	return c
}
