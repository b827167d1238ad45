package lines

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/covwrap/covwrap/tools/covwrap/internal/covdata"
	"github.com/covwrap/covwrap/tools/covwrap/internal/tally"
)

func unit(line, col, endLine, endCol, stmts uint32) covdata.Unit {
	return covdata.Unit{StartLine: line, StartCol: col, EndLine: endLine, EndCol: endCol, Stmts: stmts}
}

// pack makes a package of a tally with these functions and sums.
func pack(blob string, counts []uint64, funcs ...covdata.Func) *tally.Package {
	b := tally.New().Binary(&covdata.Meta{Mode: covdata.ModeCount, Packages: []covdata.Package{{Funcs: funcs, Blob: []byte(blob)}}})
	copy(b.Packages[0].Counts, counts)
	return b.Packages[0]
}

var (
	loop  = covdata.Func{Name: "Loop[K, V]", File: "m/a.go", Units: []covdata.Unit{unit(3, 20, 4, 25, 2), unit(4, 25, 6, 3, 1), unit(7, 2, 7, 10, 1)}}
	empty = covdata.Func{Name: "empty", File: "m/a.go", Units: []covdata.Unit{unit(9, 14, 9, 15, 0)}}
	init1 = covdata.Func{Name: "init", File: "m/a.go", Units: []covdata.Unit{unit(11, 13, 13, 2, 1)}}
	init2 = covdata.Func{Name: "init", File: "m/a.go", Units: []covdata.Unit{unit(15, 13, 15, 30, 1)}}
	other = covdata.Func{Name: "Other", File: "m/b.go", Units: []covdata.Unit{unit(1, 1, 1, 9, 1)}}
)

func name(n string) string { return strings.TrimPrefix(n, "m/") }

func TestTracefile(t *testing.T) {
	packages := []*tally.Package{
		pack("1", []uint64{2, 14, 2, 5, 0, 1, 0}, loop, empty, init1, init2, other),
		// Another build of the same source: the same blocks and a new one.
		pack("2", []uint64{1, math.MaxUint64, 0, 3, 1}, covdata.Func{Name: loop.Name, File: loop.File, Units: append(append([]covdata.Unit{}, loop.Units...), unit(8, 2, 8, 9, 1))}, init1),
	}
	files, refused := Files(packages, name)
	if refused != nil {
		t.Fatal(refused)
	}
	var out strings.Builder
	if err := WriteLCOV(&out, []string{"covwrap spawned=2 covered=2 collected=2", "two\nlines"}, files); err != nil {
		t.Fatal(err)
	}
	want := `#covwrap spawned=2 covered=2 collected=2
#two lines
SF:a.go
FN:3,Loop[K; V]
FN:11,init.L11.C13
FN:15,init.L15.C13
FNDA:3,Loop[K; V]
FNDA:1,init.L11.C13
FNDA:1,init.L15.C13
FNF:3
FNH:3
DA:3,3
DA:4,9223372036854775807
DA:5,9223372036854775807
DA:6,9223372036854775807
DA:7,2
DA:8,3
DA:11,1
DA:12,1
DA:13,1
DA:15,1
LF:10
LH:10
end_of_record
SF:b.go
FN:1,Other
FNDA:0,Other
FNF:1
FNH:0
DA:1,0
LF:1
LH:0
end_of_record
`
	if got := out.String(); got != want {
		t.Errorf("tracefile:\n%swant:\n%s", got, want)
	}
}

// TestFunctionAndLinesAgree: consumers refuse a function that was called
// without a line that ran, and a line that ran in a function that was not.
func TestFunctionAndLinesAgree(t *testing.T) {
	entry := []covdata.Unit{unit(1, 1, 1, 5, 0), unit(2, 1, 2, 5, 1)}
	f := func(n string) covdata.Func { return covdata.Func{Name: n, File: "m/a.go", Units: entry} }
	for _, tc := range []struct {
		counts []uint64
		want   uint64
	}{
		{[]uint64{4, 3}, 4},
		{[]uint64{4, 0}, 0}, // only the block without statements ran
		{[]uint64{0, 3}, 3}, // killed before the first counter was stored
	} {
		files, _ := Files([]*tally.Package{pack("x", tc.counts, f("F"))}, name)
		if got := files[0].Funcs[0].Count; got != tc.want {
			t.Errorf("counts %v: the function was called %d times, want %d", tc.counts, got, tc.want)
		}
	}
}

func TestRefusesTooManyLines(t *testing.T) {
	bad := covdata.Func{Name: "Huge", File: "m/huge.go", Units: []covdata.Unit{unit(1, 1, math.MaxUint32, 1, 1)}}
	many := covdata.Func{Name: "Many", File: "m/many.go"}
	for i := 0; i < 10; i++ {
		many.Units = append(many.Units, unit(1, 1, maxLines, 1, 1))
	}
	upset := covdata.Func{Name: "Upset", File: "m/upset.go", Units: []covdata.Unit{unit(9, 1, 3, 1, 1)}}
	files, refused := Files([]*tally.Package{pack("x", nil, bad, many, upset, other)}, name)
	var got []string
	for _, err := range refused {
		got = append(got, err.Error())
	}
	want := []string{
		"huge.go: a block of Huge claims the lines 1 to 4294967295; no source is that long",
		"many.go: its blocks claim more than 8388608 lines; no source is that long",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("refused %q, want %q", got, want)
	}
	if len(files) != 2 || files[0].Name != "b.go" || files[1].Name != "upset.go" || len(files[1].Lines) != 0 {
		t.Errorf("files %+v, want b.go, and upset.go without lines", files)
	}
}

func TestRefusesTooManyFiles(t *testing.T) {
	var funcs []covdata.Func
	for i := 0; i < 18; i++ {
		funcs = append(funcs, covdata.Func{Name: "F", File: fmt.Sprintf("m/%02d.go", i), Units: []covdata.Unit{unit(1, 1, maxLines, 1, 1)}})
	}
	funcs = append(funcs, covdata.Func{Name: "F", File: "m/small.go", Units: []covdata.Unit{unit(1, 1, 1, 1, 1)}})
	files, refused := Files([]*tally.Package{pack("x", nil, funcs...)}, name)
	if len(files) != 16 || len(refused) != 3 || refused[0].Error() != "16.go: more than 16777216 lines in all files up to this one; no program is that long" {
		t.Errorf("%d files, refused %v", len(files), refused)
	}
}

func TestProfile(t *testing.T) {
	p := pack("1", []uint64{2, 14, math.MaxUint64, 5, 0, 1, 0}, loop, empty, init1, init2, other)
	var out strings.Builder
	if err := WriteProfile(&out, covdata.ModeAtomic, []*tally.Package{p}); err != nil {
		t.Fatal(err)
	}
	want := `mode: atomic
m/a.go:3.20,4.25 2 2
m/a.go:4.25,6.3 1 14
m/a.go:7.2,7.10 1 4294967295
m/a.go:9.14,9.15 0 5
m/a.go:11.13,13.2 1 0
m/a.go:15.13,15.30 1 1
m/b.go:1.1,1.9 1 0
`
	if got := out.String(); got != want {
		t.Errorf("profile:\n%swant:\n%s", got, want)
	}
	out.Reset()
	if err := WriteProfile(&out, covdata.ModeSet, []*tally.Package{p}); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Split(out.String(), "\n")[3], "m/a.go:7.2,7.10 1 1"; got != want {
		t.Errorf("mode set: %q, want %q", got, want)
	}
}
