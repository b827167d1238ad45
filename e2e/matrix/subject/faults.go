//go:build linux

package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"

	"example.com/matrix/control"
)

//go:noinline
func endPanic(control.Control) int {
	panic("the program is broken") // #panic
}

//go:noinline
func endPanicGoroutine(control.Control) int {
	go panicking() // #panic-goroutine
	select {}
}

func panicking() {
	panic("a goroutine of the program is broken") // #panic-goroutine.panic
}

func endPanicRecovered(control.Control) int {
	defer recovering() // #panic-recovered
	panic("not for long")
}

func recovering() {
	fmt.Println("recovered:", recover()) // #panic-recovered.recover
	os.Exit(4)
}

//go:noinline
func endGoexit(control.Control) int {
	runtime.Goexit() // #goexit
	return 0
}

// endUnlock is a fatal error of the runtime, which no recover stops, and which
// happens each time.
//
//go:noinline
func endUnlock(control.Control) int {
	new(sync.Mutex).Unlock() // #unlock-of-unlocked
	return 0
}

func endConcurrentMapWrite(c control.Control) int {
	runtime.GOMAXPROCS(2) // #concurrent-map-write
	shared := map[int]int{}
	tally := c.Tally()
	go write(shared, tally)
	write(shared, tally)
	return 0
}

func write(shared map[int]int, tally *atomic.Uint64) {
	for i := 0; ; i++ { // #concurrent-map-write.goroutine
		tally.Add(1) // #concurrent-map-write.loop
		shared[i%1000] = i
	}
}

func endStackOverflow(c control.Control) int {
	debug.SetMaxStack(1 << 20) // #stack-overflow
	return recurse(c.Tally(), 0)
}

//go:noinline
func recurse(tally *atomic.Uint64, n int) int {
	tally.Add(1) // #stack-overflow.recurse
	return recurse(tally, n+1) + n
}

//go:noinline
func endDeadlock(control.Control) int {
	select {} // #deadlock
}

// endOutOfMemory asks for more than the limit under which it was started.
//
//go:noinline
func endOutOfMemory(control.Control) int {
	big := make([]byte, 1<<40) // #out-of-memory
	return int(big[len(big)-1])
}

//go:noinline
func endNilDereference(control.Control) int {
	var p *int // #nil-dereference
	return *p
}

// endFault reads memory that is there and may not be read.
//
//go:noinline
func endFault(control.Control) int {
	mem, err := syscall.Mmap(-1, 0, 4096, syscall.PROT_NONE, syscall.MAP_ANON|syscall.MAP_PRIVATE) // #fault
	control.Must(err)
	return int(*(*byte)(unsafe.Pointer(&mem[0])))
}

// endBrokenPipe writes to a standard output that nobody reads any more.
func endBrokenPipe(c control.Control) int {
	c.Park() // #broken-pipe
	fmt.Println("nobody reads this")
	return 0
}
