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
	switch os.Args[1] {
	case "return":
		turns(1)
		await()
	case "exit":
		turns(2)
		await()
		os.Exit(3)
	case "panic":
		turns(3)
		await()
		panic("that was it")
	case "signal":
		turns(5)
		await()
	case "reexec":
		turns(7)
		self, err := os.Executable()
		if err != nil {
			panic(err)
		}
		panic(syscall.Exec(self, []string{os.Args[0], "return"}, os.Environ()))
	}
}

// turns turns its loop n times.
func turns(n int) {
	for i := range n {
		fmt.Println("turn", i)
	}
}

func await() {
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
}
