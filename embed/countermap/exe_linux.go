package countermap

import (
	"fmt"
	"os"
	"syscall"
)

const openExeFlags = syscall.O_NONBLOCK

// exePaths are the places where the process's executable may be. The live
// process's own link is asked only if it is that process: /proc/PID belongs to
// this pid namespace, and the pid may have been used again.
func (m *Map) exePaths() []string {
	paths := []string{m.Exe}
	proc := fmt.Sprintf("/proc/%d/exe", m.PID)
	if info, err := os.Stat(proc); err == nil {
		if s, ok := info.Sys().(*syscall.Stat_t); ok && s.Ino == m.Binary.Inode && uint64(s.Dev) == m.Binary.Dev {
			paths = []string{proc, m.Exe}
		}
	}
	return paths
}
