// Command endings ends in the way that its argument names. It says "ready" when
// it is about to, and does not go on before its standard input ends.
package main

import (
	"fmt"
	"io"
	"os"
	"syscall"
)

func main() {
	fmt.Fprintln(os.Stderr, "ending:", os.Args[1])
	end(os.Args[1])
}

func end(way string) {
	switch way {
	case "return":
		work(1)
		await()
	case "exit":
		work(2)
		await()
		os.Exit(3)
	case "panic":
		work(3)
		await()
		panic("that was it")
	case "signal":
		work(5)
		if await() {
			fmt.Println("still alive")
		}
	case "reexec":
		work(7)
		self, err := os.Executable()
		if err != nil {
			panic(err)
		}
		panic(syscall.Exec(self, []string{os.Args[0], "return"}, os.Environ()))
	default:
		panic("unknown way to end: " + way)
	}
}

// work is called once and turns its loop n times.
func work(n int) {
	for i := range n {
		fmt.Println("turn", i)
	}
}

func await() bool {
	fmt.Println("ready")
	_, err := io.Copy(io.Discard, os.Stdin)
	return err == nil
}
