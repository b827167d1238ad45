// Command other shares a package with prog. With an argument it counts on when
// it has read a byte.
package main

import (
	"fmt"
	"os"

	"example.com/prog/lib"
)

func main() {
	lib.Sum(5)
	if len(os.Args) > 1 {
		fmt.Println("ready")
		os.Stdin.Read(make([]byte, 1))
		lib.Sum(100)
	}
}
