package main

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"strings"
	"unicode"
)

// answer is what a worker says about one file.
type answer struct {
	Counts map[string]int `json:"counts,omitempty"`
	Error  string         `json:"error,omitempty"`
}

// work is the life of a worker: it ends when its input does.
func work(in io.Reader, out io.Writer) error {
	names := bufio.NewScanner(in)
	answers := json.NewEncoder(out)
	for names.Scan() {
		var a answer
		if counts, err := countFile(names.Text()); err != nil {
			a.Error = err.Error()
		} else {
			a.Counts = counts
		}
		if err := answers.Encode(a); err != nil {
			return err
		}
	}
	return names.Err()
}

// countFile counts the words of a file, in lower case.
func countFile(name string) (map[string]int, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	counts := map[string]int{}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		for _, word := range strings.FieldsFunc(lines.Text(), notInWord) {
			counts[strings.ToLower(word)]++
		}
	}
	return counts, lines.Err()
}

func notInWord(r rune) bool {
	return !unicode.IsLetter(r) && r != '\''
}
