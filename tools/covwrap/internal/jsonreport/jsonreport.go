// Package jsonreport writes coverage as JSON for programs:
//
//	{
//	  "version": 1,
//	  "total": {"files": 1, "lines": 2, "lines_hit": 1, ...},
//	  "files": [
//	    {
//	      "name": "a/b.go",
//	      "test": "name of the test",            if kept apart by test
//	      "total": {"files": 1, "lines": 2, ...},
//	      "lines": [[12, 3], [13, 0]],           number and count
//	      "functions": [{"name": "f", "line": 12, "count": 3}],
//	      "branches": [{"line": 12, "block": "0", "branch": "1", "count": null}]
//	    }
//	  ]
//	}
//
// The count of a branch whose condition was never reached is null.
package jsonreport

import (
	"bufio"
	"encoding/json"
	"io"

	"github.com/covwrap/covwrap/tools/covwrap/internal/cover"
	"github.com/covwrap/covwrap/tools/covwrap/internal/summary"
)

type (
	file struct {
		Name      string         `json:"name"`
		Test      string         `json:"test,omitempty"`
		Total     summary.Totals `json:"total"`
		Lines     [][2]int64     `json:"lines"`
		Functions []function     `json:"functions,omitempty"`
		Branches  []branch       `json:"branches,omitempty"`
	}
	function struct {
		Name  string `json:"name"`
		Line  uint32 `json:"line"`
		Count int64  `json:"count"`
	}
	branch struct {
		Line   uint32 `json:"line"`
		Block  string `json:"block"`
		Branch string `json:"branch"`
		Count  *int64 `json:"count"`
	}
)

// Write writes a set, one source file a line.
func Write(w io.Writer, s *cover.Set) error {
	bw := bufio.NewWriterSize(w, 64<<10)
	var total summary.Totals
	files := s.Files()
	for _, f := range files {
		total.Add(summary.Of(f))
	}
	head, err := json.Marshal(total)
	if err != nil {
		return err
	}
	bw.WriteString("{\"version\":1,\"total\":")
	bw.Write(head)
	bw.WriteString(",\"files\":[")
	for i, f := range files {
		b, err := json.Marshal(of(s, f))
		if err != nil {
			return err
		}
		if i > 0 {
			bw.WriteByte(',')
		}
		bw.WriteByte('\n')
		bw.Write(b)
	}
	bw.WriteString("\n]}\n")
	return bw.Flush()
}

// of turns one file into what is written.
func of(s *cover.Set, f *cover.File) file {
	out := file{Total: summary.Of(f), Lines: [][2]int64{}}
	if out.Name, out.Test = cover.SplitName(f.Name); out.Test == "" {
		out.Test = f.Test()
	}
	for _, l := range f.Lines() {
		out.Lines = append(out.Lines, [2]int64{int64(l.No), l.Count})
	}
	for _, fn := range f.Functions() {
		if fn.HasLine {
			out.Functions = append(out.Functions, function{fn.Name, fn.Line, fn.Count})
		}
	}
	for _, b := range s.Branches(f) {
		br := branch{Line: b.Line, Block: s.BranchName(b.Block), Branch: s.BranchName(b.Branch)}
		if b.Evaluated {
			br.Count = &b.Taken
		}
		out.Branches = append(out.Branches, br)
	}
	return out
}
