//go:build linux

// Command other is a second binary, which shares packages with the first.
package main

import (
	"fmt"
	"os"

	"example.com/matrix/control"
	"example.com/matrix/work"
)

func main() {
	c := control.New(os.Args) // #other
	fmt.Println("standard output of the other", c.Name)
	work.Seven()
	c.Park()
}
