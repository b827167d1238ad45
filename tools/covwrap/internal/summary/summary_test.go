package summary

import (
	"bytes"
	"strings"
	"testing"

	"github.com/covwrap/covwrap/tools/covwrap/internal/cover"
	"github.com/covwrap/covwrap/tools/covwrap/internal/lcov"
	"github.com/covwrap/covwrap/tools/covwrap/internal/trouble"
)

func set(t *testing.T, tracefile string) *cover.Set {
	t.Helper()
	s := cover.NewSet()
	if err := lcov.NewParser(s, &trouble.Log{}).Parse(strings.NewReader(tracefile), lcov.Options{}); err != nil {
		t.Fatal(err)
	}
	return s
}

const three = "SF:a/b/x.go\nFN:1,f\nFNDA:1,f\nDA:1,1\nDA:2,0\nDA:3,1\nend_of_record\n" +
	"SF:a/b/y.go\nDA:1,1\nend_of_record\nSF:main.go\nDA:1,0\nend_of_record\nSF:external/dep/q/z.go\nend_of_record\n"

func TestWrite(t *testing.T) {
	for _, c := range []struct {
		name, in, want string
		style          Style
	}{
		{name: "empty", want: "package     lines\n-----------------\n-----------------\ntotal           -\n"},
		{
			name: "packages", in: three,
			want: `package        lines    functions
---------------------------------
//       0/1    0.0%            -
//a/b    3/4   75.0%  1/1  100.0%
@dep//q            -            -
---------------------------------
total    3/5   60.0%  1/1  100.0%
`,
		},
		{
			name: "the worst, in colour", in: three, style: Style{Color: true, Max: 1},
			want: "package        lines    functions\n" +
				"---------------------------------\n" +
				"//       0/1 \x1b[31m   0.0%\x1b[0m            -\n" +
				"---------------------------------\n" +
				"total    3/5 \x1b[33m  60.0%\x1b[0m  1/1 \x1b[32m 100.0%\x1b[0m\n" +
				"(2 more with better coverage: \"covwrap summary\" shows all)\n",
		},
	} {
		var b bytes.Buffer
		ByPackage(set(t, c.in)).Write(&b, "package", c.style)
		if b.String() != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", c.name, b.String(), c.want)
		}
	}
}

// TestPercent wants rounding down: 100 only when all is hit.
func TestPercent(t *testing.T) {
	for _, c := range []struct {
		hit, all int
		want     string
	}{{0, 0, "-"}, {0, 5, "0.0%"}, {1, 3, "33.3%"}, {2, 3, "66.6%"}, {9999, 10000, "99.9%"}, {5, 5, "100.0%"}} {
		if got := Percent(c.hit, c.all); got != c.want {
			t.Errorf("%d of %d: got %q, want %q", c.hit, c.all, got, c.want)
		}
	}
}

func TestWriteChildren(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{name: "no launcher"},
		{
			name: "all collected", in: "#covwrap spawned=3 covered=2 collected=2\n",
			want: "children: 3 spawned, 2 covered, 2 collected, in 1 test under the launcher\n",
		},
		{
			name: "some left out",
			in: "#covwrap spawned=9 covered=9 collected=2\n#covwrap spawned=1 covered=1 collected=1 more=2\n" +
				"#covwrap missing b x\x1b[2J\n" + strings.Repeat("#covwrap missing a same\n", 7),
			want: "children: 10 spawned, 10 covered, 3 collected, in 2 tests under the launcher\n" +
				"left out: 7 [a]; docs/messages.md says how to mend it\n" + strings.Repeat("  same\n", 5) + "  and 2 more\n" +
				"left out: 1 [b]; docs/messages.md says how to mend it\n  x?[2J\n" +
				"left out: 2 more that are not named here; the tests' ledgers name all\n",
		},
	} {
		var b bytes.Buffer
		WriteChildren(&b, set(t, c.in).Notes())
		if b.String() != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", c.name, b.String(), c.want)
		}
	}
}
