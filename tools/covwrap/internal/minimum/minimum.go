// Package minimum checks coverage against the least that somebody asks for.
package minimum

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/covwrap/covwrap/tools/covwrap/internal/cover"
	"github.com/covwrap/covwrap/tools/covwrap/internal/summary"
)

// Percent is a percentage in thousandths, so that 79.999 % is not taken for
// 80 % by a rounding of floats.
type Percent int64

// ParsePercent reads a number from 0 to 100 with up to three decimals, and
// with or without a percent sign.
func ParsePercent(s string) (Percent, error) {
	whole, frac, _ := strings.Cut(strings.TrimSuffix(s, "%"), ".")
	n, err := strconv.ParseUint(whole, 10, 16)
	m := uint64(0)
	if err == nil && len(frac) > 0 && len(frac) <= 3 {
		m, err = strconv.ParseUint((frac + "00")[:3], 10, 16)
	}
	p := Percent(n*1000 + m)
	if err != nil || len(frac) > 3 || p > 100_000 {
		return 0, fmt.Errorf("%q is no percentage: expected a number from 0 to 100, with three decimals at most", s)
	}
	return p, nil
}

// String spells a percentage with one decimal, or more if it has more.
func (p Percent) String() string {
	s := fmt.Sprintf("%d.%03d", p/1000, p%1000)
	for strings.HasSuffix(s, "0") && !strings.HasSuffix(s, ".0") {
		s = s[:len(s)-1]
	}
	return s + "%"
}

// Reached tells whether hit of all is at least p. Nothing of nothing is
// enough only where nothing is asked for: a report that is empty by mistake
// must not pass for a good one.
func (p Percent) Reached(hit, all int) bool {
	if all == 0 {
		return p == 0
	}
	return int64(hit)*100_000 >= int64(p)*int64(all)
}

// Rules is what is asked for.
type Rules struct {
	Lines, Functions *Percent
	PerFile          bool
	Packages         []PackageRule
}

// PackageRule asks for lines of the packages that a pattern matches, taken
// together.
type PackageRule struct {
	Pattern string // "//a/b" or "//a/..."
	Lines   Percent
}

// ParsePackageRule reads PATTERN=PERCENT.
func ParsePackageRule(s string) (PackageRule, error) {
	i := strings.LastIndexByte(s, '=')
	if i < 0 || !strings.Contains(s[:i], "//") {
		return PackageRule{}, fmt.Errorf("%q: expected PATTERN=PERCENT, such as //pkg/...=80", s)
	}
	p, err := ParsePercent(s[i+1:])
	return PackageRule{s[:i], p}, err
}

// match tells whether a package's label is matched.
func (r PackageRule) match(label string) bool {
	if r.Pattern == "//..." {
		return strings.HasPrefix(label, "//")
	}
	if base, ok := strings.CutSuffix(r.Pattern, "/..."); ok {
		return label == base || strings.HasPrefix(label, base+"/")
	}
	return label == r.Pattern
}

// Verdict is how one thing that was asked for stands.
type Verdict struct {
	Name     string  `json:"name"` // "total", a pattern, or a file
	Kind     string  `json:"kind"` // "lines" or "functions"
	Hit      int     `json:"hit"`
	All      int     `json:"all"`
	Required Percent `json:"required_thousandths"`
	OK       bool    `json:"ok"`
}

// Check checks a set. The verdicts are in the order of the rules, files by
// name; files that have nothing to cover are passed over.
func Check(s *cover.Set, r Rules) []Verdict {
	var all []Verdict
	add := func(name string, t summary.Totals) {
		if r.Lines != nil {
			all = append(all, verdict(name, "lines", t.LinesHit, t.Lines, *r.Lines))
		}
		if r.Functions != nil {
			all = append(all, verdict(name, "functions", t.FuncsHit, t.Funcs, *r.Functions))
		}
	}
	add("total", summary.ByFile(s).Total)
	packages := summary.ByPackage(s)
	for _, rule := range r.Packages {
		var t summary.Totals
		for _, row := range packages.Rows {
			if rule.match(row.Name) {
				t.Add(row.Totals)
			}
		}
		all = append(all, verdict(rule.Pattern, "lines", t.LinesHit, t.Lines, rule.Lines))
	}
	if r.PerFile {
		for _, row := range summary.ByFile(s).Rows {
			t := row.Totals
			if r.Lines != nil && t.Lines > 0 {
				all = append(all, verdict(row.Name, "lines", t.LinesHit, t.Lines, *r.Lines))
			}
			if r.Functions != nil && t.Funcs > 0 {
				all = append(all, verdict(row.Name, "functions", t.FuncsHit, t.Funcs, *r.Functions))
			}
		}
	}
	return all
}

func verdict(name, kind string, hit, all int, p Percent) Verdict {
	return Verdict{name, kind, hit, all, p, p.Reached(hit, all)}
}
