//go:build linux

// Command subject ends in many ways.
package main

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"
)

func main() {
	n, _ := strconv.Atoi(os.Args[2])
	work(n)
	switch os.Args[1] {
	case "exit":
		os.Exit(3)
	case "panic":
		panic("panic words")
	case "raw":
		syscall.RawSyscall(syscall.SYS_EXIT_GROUP, 4, 0, 0)
	case "signal":
		sig, _ := strconv.Atoi(os.Args[3])
		syscall.Kill(os.Getpid(), syscall.Signal(sig))
		time.Sleep(time.Minute) // another thread may be the one to get it
	case "exec":
		fmt.Println(syscall.Exec("/proc/self/exe", []string{os.Args[0], "signal", os.Args[2], "9"}, os.Environ()))
	}
}

//go:noinline
func work(n int) {
	for range n {
		step()
	}
}

//go:noinline
func step() {}
