//go:build linux

// Package control is how a process of the matrix keeps step with the process
// that watches it, without a clock: it says on file descriptor 3 how far it
// got, and waits for the end of file on descriptor 4.
package control

import (
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"unsafe"
)

// Control is what a process was asked to do: NAME DIR REST...
type Control struct {
	Name string   // which end, or which part in a tree of processes
	Dir  string   // the cell's folder; also marks the process, so that none is left behind unseen
	Rest []string // for Name alone to understand
}

// New takes a command line apart.
func New(argv []string) Control {
	return Control{argv[1], argv[2], argv[3:]} // #control
}

// Ready says that the process got to where it is to be watched, and its pid.
//
//go:noinline
func (c Control) Ready() {
	syscall.Write(3, []byte("ready "+strconv.Itoa(os.Getpid())+"\n")) // #ready
}

// Park says that the process is ready and returns when it is told to go on,
// which it may never be. It is one block, since a signal may come as soon as
// the process has said that it is ready.
//
//go:noinline
func (c Control) Park() {
	syscall.Write(3, []byte("ready "+strconv.Itoa(os.Getpid())+"\n")) // #park
	syscall.Read(4, make([]byte, 1))
}

// Tally is a number in a file that outlives the process. It counts what cannot
// be known beforehand, right after the block that does it was counted: so the
// block's count is the tally, or one more for each goroutine that was between.
func (c Control) Tally() *atomic.Uint64 {
	f, err := os.OpenFile(filepath.Join(c.Dir, "tally"), os.O_RDWR, 0) // #tally
	Must(err)
	mem, err := syscall.Mmap(int(f.Fd()), 0, 8, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	Must(err)
	return (*atomic.Uint64)(unsafe.Pointer(&mem[0]))
}

// Must ends the process in a way that no cell expects.
func Must(err error) {
	if err != nil { // #must
		println("the matrix itself is broken:", err.Error()) // #must.broken
		syscall.Exit(99)
	}
}
