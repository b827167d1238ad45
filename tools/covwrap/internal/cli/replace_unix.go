//go:build unix

package cli

import (
	"os"
	"syscall"
)

// replace makes another program of this process.
func replace(file string, argv []string) error { return syscall.Exec(file, argv, os.Environ()) }
