//go:build unix

// Command program is a child of the soak test. It runs a line seven times and
// then ends as its number says: it returns, exits with status 3, panics, or is
// killed by SIGKILL.
package main

import (
	"os"
	"strconv"
	"syscall"
)

func main() {
	n, err := strconv.Atoi(os.Args[len(os.Args)-1])
	if err != nil {
		panic(err)
	}
	seven()
	switch n % 4 {
	case 1:
		os.Exit(3)
	case 2:
		panic("as asked")
	case 3:
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

func seven() {
	sum := 0
	for i := range 7 {
		sum += i
	}
	_ = sum
}
