//go:build linux

package main

import (
	"fmt"
	"log"
	"os"
	"strconv"
	"syscall"

	"example.com/matrix/control"
)

func endReturn(control.Control) int {
	return 0 // #return
}

//go:noinline
func endExit(c control.Control) int {
	status, err := strconv.Atoi(c.Rest[0]) // #exit
	control.Must(err)
	os.Exit(status)
	return 0
}

//go:noinline
func endLogFatal(control.Control) int {
	log.SetFlags(0) // #log-fatal
	log.Fatal("the program gives up")
	return 0
}

// endSyscallExit leaves without the exit hooks of package os.
//
//go:noinline
func endSyscallExit(control.Control) int {
	syscall.Exit(3) // #syscall-exit
	return 0
}

// endExitGroup leaves without asking anything of Go, as _exit in C does.
//
//go:noinline
func endExitGroup(control.Control) int {
	syscall.RawSyscall(syscall.SYS_EXIT_GROUP, 3, 0, 0) // #exit-group
	return 0
}

// endSetuid becomes nobody while it runs, and then returns.
func endSetuid(c control.Control) int {
	control.Must(syscall.Setgid(65534)) // #setuid
	control.Must(syscall.Setuid(65534))
	return 0
}

//go:noinline
func open() bool {
	_, err := syscall.Open("/dev/null", syscall.O_RDONLY, 0) // #open
	return err == nil
}

// endOutOfFiles opens files until there are no more descriptors to be had.
func endOutOfFiles(control.Control) int {
	n := 0 // #out-of-files
	for ; open(); n++ {
		continue // #out-of-files.open
	}
	fmt.Println("opened", n, "files") // #out-of-files.full
	return 0
}
