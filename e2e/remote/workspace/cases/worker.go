// Command worker does as many steps as its argument says, says so, and waits
// for the end of its standard input.
package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
)

func main() {
	n, err := strconv.Atoi(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(2)
	}
	for i := range n {
		step(i)
	}
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
}

func step(i int) {
	if i%2 == 1 {
		odd()
	}
}

func odd() {
	fmt.Fprintln(io.Discard, "odd")
}
