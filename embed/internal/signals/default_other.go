//go:build unix && !linux && !darwin && !freebsd

package signals

import "syscall"

func setDefault(syscall.Signal) {}
