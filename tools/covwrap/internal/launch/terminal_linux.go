package launch

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"unsafe"
)

// foreground reports whether the launcher belongs to the foreground process
// group of its terminal, to which the terminal sends signals.
func foreground() bool {
	tty, err := os.OpenFile("/dev/tty", os.O_RDONLY|syscall.O_NOCTTY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return false
	}
	defer tty.Close()
	var group int32
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, tty.Fd(), syscall.TIOCGPGRP, uintptr(unsafe.Pointer(&group)))
	return errno == 0 && int(group) == syscall.Getpgrp()
}

// cannotHaveGot reports whether a process would have ended by a signal: it
// neither handles, ignores nor blocks it.
func cannotHaveGot(pid int, s syscall.Signal) bool {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return false
	}
	if s == syscall.SIGPIPE || s == syscall.SIGUSR1 || s == syscall.SIGUSR2 {
		return false
	}
	seen := 0
	for _, line := range strings.Split(string(data), "\n") {
		tag, value, _ := strings.Cut(line, ":")
		switch tag {
		case "State":
			if v := strings.TrimSpace(value); v == "" || v[0] == 'Z' || v[0] == 'X' || v[0] == 'T' {
				return false
			}
		case "SigBlk", "SigIgn", "SigCgt":
			mask, err := strconv.ParseUint(strings.TrimSpace(value), 16, 64)
			if err != nil || mask&(1<<(uint(s)-1)) != 0 {
				return false
			}
			seen++
		}
	}
	return seen == 3
}
