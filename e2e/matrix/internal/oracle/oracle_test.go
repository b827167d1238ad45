package oracle

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

const source = `package p

func f(x bool) {
	a := 1 // #first
	if x {
		a++ // #second
	}
	g(a) // #third
}
`

func write(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func read(t *testing.T, profile string) map[string]Block {
	t.Helper()
	root := filepath.Dir(filepath.Dir(write(t, "p/p.go", source)))
	tags, err := ReadTags(root, "example.com/m", "p")
	if err != nil {
		t.Fatal(err)
	}
	mode, blocks, err := ReadProfile(write(t, "profile", profile))
	if err != nil || mode != "count" {
		t.Fatalf("mode %q, %v", mode, err)
	}
	named, err := tags.Name(blocks)
	if err != nil {
		t.Fatal(err)
	}
	return named
}

const profile = `mode: count
example.com/m/p/p.go:3.16,5.7 2 7
example.com/m/p/p.go:5.7,7.3 1 3
example.com/m/p/p.go:8.2,8.6 1 7
`

func TestCompare(t *testing.T) {
	for _, tc := range []struct {
		name string
		want Want
		diff []string
	}{
		{"exact", Want{Counts: Counts{"first": 7, "second": 3, "third": 7}}, nil},
		{"one too few", Want{Counts: Counts{"first": 7, "second": 4, "third": 7}}, []string{"second: count 3, want 4"}},
		{"not expected", Want{Counts: Counts{"first": 7, "second": 3}}, []string{"third: count 7, want 0"}},
		{"missing", Want{Counts: Counts{"first": 7, "second": 3, "third": 7, "fourth": 1}}, []string{"fourth: not in the report, want 1"}},
		{"within the slack", Want{Counts: Counts{"first": 7, "second": 2, "third": 7}, Slack: map[string]uint64{"second": 1}}, nil},
		{"beyond the slack", Want{Counts: Counts{"first": 7, "second": 1, "third": 7}, Slack: map[string]uint64{"second": 1}}, []string{"second: count 3, want 1 to 2"}},
		{"any", Want{Counts: Counts{"first": 7, "third": 7}, Any: []string{"second"}}, nil},
		{"set", Want{Counts: Counts{"first": 1, "second": 1, "third": 1}, Set: true}, []string{"first: count 7, want 1", "second: count 3, want 1", "third: count 7, want 1"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := tc.want.Compare(read(t, profile)); !reflect.DeepEqual(diff, tc.diff) {
				t.Errorf("got %q, want %q", diff, tc.diff)
			}
		})
	}
}

func TestCompareLCOV(t *testing.T) {
	_, blocks, err := ReadProfile(write(t, "profile", profile))
	if err != nil {
		t.Fatal(err)
	}
	// The condition's line has the count of the block that it begins and ends.
	const good = "SF:p/p.go\nDA:3,7\nDA:4,7\nDA:5,7\nDA:6,3\nDA:7,3\nDA:8,7\nend_of_record\n"
	for _, tc := range []struct {
		name, old, new string
		diff           []string
	}{
		{"exact", "", "", nil},
		{"count", "DA:6,3", "DA:6,2", []string{"p/p.go:6: DA count 2, want 3"}},
		{"no line", "DA:8,7\n", "", []string{"p/p.go:8: no DA line, want count 7"}},
		{"a line too many", "DA:8,7\n", "DA:8,7\nDA:9,1\n", []string{"p/p.go:9: a DA line where no block is"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			diff, err := CompareLCOV(write(t, "lcov", strings.Replace(good, tc.old, tc.new, 1)), "example.com/m", blocks, false)
			if err != nil || !reflect.DeepEqual(diff, tc.diff) {
				t.Errorf("got %q, %v; want %q", diff, err, tc.diff)
			}
		})
	}
	if _, err := CompareLCOV(write(t, "lcov", strings.Replace(good, "p/p.go", "/p/p.go", 1)), "example.com/m", blocks, false); err == nil {
		t.Error("an absolute SF was accepted")
	}
}

func TestNameRefuses(t *testing.T) {
	root := filepath.Dir(filepath.Dir(write(t, "p/p.go", source)))
	tags, err := ReadTags(root, "example.com/m", "p")
	if err != nil {
		t.Fatal(err)
	}
	for name, blocks := range map[string][]Block{
		"no tag":     {{File: "example.com/m/p/p.go", StartLine: 1, StartCol: 1, EndLine: 2, EndCol: 1}},
		"two tags":   {{File: "example.com/m/p/p.go", StartLine: 3, StartCol: 1, EndLine: 9, EndCol: 1}},
		"shared tag": {{File: "example.com/m/p/p.go", StartLine: 4, StartCol: 1, EndLine: 5, EndCol: 1}, {File: "example.com/m/p/p.go", StartLine: 4, StartCol: 1, EndLine: 4, EndCol: 9}},
	} {
		if _, err := tags.Name(blocks); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
