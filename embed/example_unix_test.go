//go:build unix

package embed_test

import (
	"errors"
	"os"
	"syscall"
	"testing"
)

func TestMain(m *testing.M) {
	if os.Getenv("EMBED_EXAMPLE") == "worker" {
		work()
		return
	}
	os.Exit(m.Run())
}

func interrupt(pid int) { syscall.Kill(pid, syscall.SIGINT) }

func terminate(p *os.Process) { p.Signal(syscall.SIGTERM) }

// replace stands for syscall.Exec.
func replace(path string, args, env []string) error {
	return errors.New("(this example does not replace the test)")
}
