//go:build linux

package parent

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
)

// Cell is a cell of the matrix as a file has it, for a parent that is a part of
// a test. In arguments of its steps "DIR" is the cell's folder, and other words
// in capitals are names of programs.
type Cell struct {
	Name     string
	Steps    []Step
	Statuses map[string]int // how its processes must end
}

// Run runs the cell in dir, which it makes, with these names of programs.
func (c Cell) Run(dir string, programs *strings.Replacer) (Result, error) {
	r := Result{Statuses: map[string]int{}}
	var s Spec
	for _, step := range c.Steps {
		for i, word := range step.Argv {
			if word = programs.Replace(word); word == "DIR" {
				word = dir
			}
			step.Argv[i] = word
		}
		s.Steps = append(s.Steps, step)
	}
	data, err := json.Marshal(s)
	if err != nil {
		return r, err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return r, err
	}
	for name, content := range map[string][]byte{SpecFile: data, "tally": make([]byte, 8)} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o666); err != nil {
			return r, err
		}
	}
	err = run(dir, &r)
	return r, err
}
