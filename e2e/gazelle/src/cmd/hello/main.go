// Command hello greets.
package main

import (
	"fmt"

	"example.com/user/greet"
)

func main() { fmt.Println(greet.Greet("")) }
