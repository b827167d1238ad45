// Command mixed is built by covwrap's rule.
package main

import (
	"fmt"
	"io"
	"os"
)

func main() {
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
	fmt.Println("not reached")
}
