// Command other shares a package with prog.
package main

import "example.com/prog/lib"

func main() {
	lib.Sum(5)
}
