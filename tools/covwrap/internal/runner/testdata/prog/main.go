// Command prog ends in the way that its first argument says.
package main

import (
	"fmt"
	"os"
	"syscall"

	"example.com/prog/lib"
)

func main() {
	lib.Sum(7)
	os.Exit(end(os.Args[1]))
}

func end(how string) int {
	switch how {
	case "return":
		return 0
	case "status":
		return 3
	case "panic":
		panic("as asked")
	case "kill":
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "self":
		syscall.Exec("/proc/self/exe", []string{"prog", "return"}, os.Environ())
	case "sleep":
		syscall.Exec("/bin/sleep", []string{"sleep", "2.0"}, nil)
	case "wait":
		fmt.Println(os.Getpid())
		os.Stdin.Read(make([]byte, 1))
		return 9
	}
	return 1
}
