// Package crowd is the parent of many children in the benchmarks: a part of the
// benchmark's own binary, which stands below a launcher or alone.
package crowd

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"sync"
)

// Word is the first argument that turns a benchmark's binary into a crowd's
// parent: crowd COUNT ATONCE BINARY ARGUMENTS...
const Word = "crowd"

// Argv is the command line of a crowd of count children, at most atOnce of them
// at the same time. Each gets its number as a last argument.
func Argv(count, atOnce int, bin string, args ...string) ([]string, error) {
	self, err := os.Executable()
	return append([]string{self, Word, strconv.Itoa(count), strconv.Itoa(atOnce), bin}, args...), err
}

// Or is the main function of a benchmark that is its own crowd's parent; run is
// what it does otherwise.
func Or(run func(args []string, stdout, stderr io.Writer) int) {
	args := os.Args[1:]
	if len(args) > 0 && args[0] == Word {
		os.Exit(Main(args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(run(args, os.Stdout, os.Stderr))
}

// Main runs a crowd and writes how many children ended in which way, one line
// each ("200 exit status 0"). Its own exit status tells only whether it could.
func Main(args []string, stdout, stderr io.Writer) int {
	ends, err := run(args)
	if err != nil {
		fmt.Fprintln(stderr, "crowd:", err)
		return 1
	}
	var lines []string
	for end, n := range ends {
		lines = append(lines, fmt.Sprintf("%d %s\n", n, end))
	}
	slices.Sort(lines)
	for _, line := range lines {
		io.WriteString(stdout, line)
	}
	return 0
}

func run(args []string) (map[string]int, error) {
	if len(args) < 3 {
		return nil, fmt.Errorf("%d arguments, want COUNT ATONCE BINARY", len(args))
	}
	count, err := strconv.Atoi(args[0])
	if err != nil {
		return nil, err
	}
	atOnce, err := strconv.Atoi(args[1])
	if err != nil {
		return nil, err
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer null.Close()

	var mu sync.Mutex
	var group sync.WaitGroup
	ends, slots := map[string]int{}, make(chan bool, atOnce)
	for i := range count {
		slots <- true
		group.Add(1)
		go func() {
			defer func() { <-slots; group.Done() }()
			end := child(append(slices.Clone(args[2:]), strconv.Itoa(i)), null)
			mu.Lock()
			ends[end]++
			mu.Unlock()
		}()
	}
	group.Wait()
	return ends, nil
}

// child runs one and says how it ended.
func child(argv []string, null *os.File) string {
	process, err := os.StartProcess(argv[0], argv, &os.ProcAttr{Files: []*os.File{null, null, null}})
	if err != nil {
		return err.Error()
	}
	state, err := process.Wait()
	if err != nil {
		return err.Error()
	}
	return state.String()
}
