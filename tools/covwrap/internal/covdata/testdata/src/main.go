// Command corpus makes the coverage files that covdata's tests read.
package main

import (
	"fmt"
	"os"

	"example.com/corpus/shape"
)

// double is a literal outside of any function.
var double = func(n int) int { return 2 * n }

func empty() {}

func main() {
	empty()
	area := 0
	for i := 0; i < 300; i++ {
		area += shape.Square{Side: i}.Area()
	}
	if len(os.Args) > 9 {
		fmt.Println("never")
	}
	area = double(area)
	shape.Max[int, string](area, 1)
}
