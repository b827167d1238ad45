//go:build unix

package cli

import "syscall"

// replace makes another program of this process.
func replace(file string, argv, env []string) error { return syscall.Exec(file, argv, env) }
