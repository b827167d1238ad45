package minimum

import (
	"reflect"
	"strings"
	"testing"

	"github.com/covwrap/covwrap/tools/covwrap/internal/cover"
	"github.com/covwrap/covwrap/tools/covwrap/internal/lcov"
	"github.com/covwrap/covwrap/tools/covwrap/internal/trouble"
)

func TestPercent(t *testing.T) {
	for _, c := range []struct {
		in, out string
		want    Percent
	}{{"80", "80.0%", 80000}, {"79.5%", "79.5%", 79500}, {"0", "0.0%", 0}, {"100", "100.0%", 100000}, {"66.667", "66.667%", 66667}, {"7.05", "7.05%", 7050}} {
		got, err := ParsePercent(c.in)
		if err != nil || got != c.want || got.String() != c.out {
			t.Errorf("%q: got %d, %q, %v; want %d, %q", c.in, got, got, err, c.want, c.out)
		}
	}
	for _, in := range []string{"", "x", "100.001", "101", "-1", "1.2345", "1.x", "+5", "1e2"} {
		if got, err := ParsePercent(in); err == nil {
			t.Errorf("%q: got %v, want an error", in, got)
		}
	}
}

func TestReached(t *testing.T) {
	for _, c := range []struct {
		p        Percent
		hit, all int
		want     bool
	}{{80000, 4, 5, true}, {80001, 4, 5, false}, {80000, 79999, 100000, false}, {0, 0, 0, true}, {1, 0, 0, false}, {100000, 7, 7, true}} {
		if got := c.p.Reached(c.hit, c.all); got != c.want {
			t.Errorf("%d of %d for %v: got %v", c.hit, c.all, c.p, got)
		}
	}
}

func TestCheck(t *testing.T) {
	s := cover.NewSet()
	in := "SF:a/x\nFN:1,f\nFNDA:1,f\nDA:1,1\nDA:2,0\nend_of_record\nSF:a/b/y\nDA:1,1\nend_of_record\nSF:ab/z\nFN:1,f\nDA:1,0\nend_of_record\nSF:none\nend_of_record\n"
	if err := lcov.NewParser(s, &trouble.Log{}).Parse(strings.NewReader(in), lcov.Options{}); err != nil {
		t.Fatal(err)
	}
	half := Percent(50000)
	var rules []PackageRule
	for _, r := range []string{"//a/...=60", "//a=60", "//...=0", "//gone=1"} {
		rule, err := ParsePackageRule(r)
		if err != nil {
			t.Fatal(err)
		}
		rules = append(rules, rule)
	}
	got := Check(s, Rules{Lines: &half, Functions: &half, PerFile: true, Packages: rules})
	want := []Verdict{
		{"total", "lines", 2, 4, 50000, true},
		{"total", "functions", 1, 2, 50000, true},
		{"//a/...", "lines", 2, 3, 60000, true},
		{"//a", "lines", 1, 2, 60000, false},
		{"//...", "lines", 2, 4, 0, true},
		{"//gone", "lines", 0, 0, 1000, false},
		{"a/b/y", "lines", 1, 1, 50000, true},
		{"a/x", "lines", 1, 2, 50000, true},
		{"a/x", "functions", 1, 1, 50000, true},
		{"ab/z", "lines", 0, 1, 50000, false},
		{"ab/z", "functions", 0, 1, 50000, false},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%v\nwant\n%v", got, want)
	}
	for _, r := range []string{"80", "//a", "a=80", "//a=x"} {
		if got, err := ParsePackageRule(r); err == nil {
			t.Errorf("%q: got %v, want an error", r, got)
		}
	}
}
