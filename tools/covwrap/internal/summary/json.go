package summary

import "strings"

// Report is a Table for programs.
type Report struct {
	Rows  []Row  `json:"rows"`
	Total Totals `json:"total"`
	// Unmeasured are source files that no test touched.
	Unmeasured []string  `json:"not_measured,omitempty"`
	Children   *Children `json:"children,omitempty"`
}

// Children is what became of the processes that tests started.
type Children struct {
	Tests     int64     `json:"tests"` // under the launcher
	Spawned   int64     `json:"spawned"`
	Covered   int64     `json:"covered"`
	Collected int64     `json:"collected"`
	LeftOut   []LeftOut `json:"left_out,omitempty"`
	More      int64     `json:"left_out_more,omitempty"` // not named
}

// LeftOut is one process that was left out.
type LeftOut struct {
	Slug string `json:"slug"`
	Text string `json:"text"`
}

// JSON returns the table in a form for encoding/json.
func (t Table) JSON(unmeasured []string) Report {
	r := Report{Rows: t.Rows, Total: t.Total, Unmeasured: unmeasured}
	if r.Rows == nil {
		r.Rows = []Row{}
	}
	if n := t.Notes; n.Tests > 0 || len(n.Missing) > 0 {
		r.Children = &Children{Tests: n.Tests, Spawned: n.Counts["spawned"], Covered: n.Counts["covered"], Collected: n.Counts["collected"], More: n.More}
		for _, text := range n.Missing {
			slug, rest, _ := strings.Cut(text, " ")
			r.Children.LeftOut = append(r.Children.LeftOut, LeftOut{slug, rest})
		}
	}
	return r
}
