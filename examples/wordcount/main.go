// Command wordcount counts words with a pool of worker processes:
//
//	wordcount [-workers N] [-top N] [-v] FILE...
//
// Each worker is this program again. It reads names of files from its standard
// input, one a line, and answers each with one line of JSON on its standard
// output. A worker that dies is replaced, and its file is counted again.
//
// On SIGINT and SIGTERM the workers are terminated and the exit status is 130.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"slices"
	"syscall"
)

// workerMode, as the only argument, makes the program a worker. Users do not
// type it, hence no flag that help would list.
const workerMode = "worker-of-wordcount"

func main() {
	if len(os.Args) == 2 && os.Args[1] == workerMode {
		if err := work(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "wordcount: worker:", err)
			os.Exit(1)
		}
		return
	}
	workers := flag.Int("workers", 4, "number of worker processes")
	top := flag.Int("top", 10, "number of words to print")
	verbose := flag.Bool("v", false, "say which worker counts which file")
	flag.Parse()
	if flag.NArg() == 0 || *workers < 1 {
		flag.Usage()
		os.Exit(2)
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	p := pool{size: *workers, log: func(string, ...any) {}}
	if *verbose {
		p.log = func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
	}
	counts, err := p.count(ctx, flag.Args())
	if ctx.Err() != nil {
		fmt.Fprintln(os.Stderr, "wordcount: interrupted")
		os.Exit(130)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "wordcount:", err)
		os.Exit(1)
	}
	for _, word := range mostFrequent(counts, *top) {
		fmt.Printf("%7d %s\n", counts[word], word)
	}
}

// mostFrequent returns the n words that are counted most, equal ones in
// alphabetical order.
func mostFrequent(counts map[string]int, n int) []string {
	words := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	return words[:min(n, len(words))]
}
