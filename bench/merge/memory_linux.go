package main

import (
	"os"
	"syscall"
)

// memory is the largest resident memory of a process that has ended, in MB.
func memory(p *os.ProcessState) float64 {
	if usage, ok := p.SysUsage().(*syscall.Rusage); ok {
		return float64(usage.Maxrss) / 1024 // kilobytes on Linux
	}
	return 0
}
