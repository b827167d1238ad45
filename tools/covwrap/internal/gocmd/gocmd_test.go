package gocmd

import (
	"reflect"
	"strings"
	"testing"
)

// TestWithWithout adds our flags, takes the user's overlay and coverprofile
// out, and compares whole command lines.
func TestWithWithout(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"build", "build -cover -overlay=O"},
		{"build -o x -overlay=mine.json ./...", "build -cover -overlay=O -o x ./..."},
		{"build -overlay mine.json -v .", "build -cover -overlay=O -v ."},
		{"-C dir build .", "-C dir build -cover -overlay=O ."},
		{"build -C dir .", "-C dir build -cover -overlay=O ."},
		{"build -C=dir .", "-C dir build -cover -overlay=O ."},
		{"install a/b@v1.2.3 -overlay=x", "install -cover -overlay=O a/b@v1.2.3 -overlay=x"},
		{"test ./... -v -coverprofile c.out -run X", "test -cover -overlay=O ./... -v -run X"},
		{"test -test.coverprofile=c.out --overlay=u .", "test -cover -overlay=O ."},
		{"test -v -coverprofile=a . -args -coverprofile=b -overlay=c", "test -cover -overlay=O -v . -args -coverprofile=b -overlay=c"},
		{"test -exec -overlay . -race pkg", "test -cover -overlay=O -exec -overlay . -race pkg"},
		{"run -race . -overlay=program", "run -cover -overlay=O -race . -overlay=program"},
		{"run -overlay=u a.go b.go -overlay=program c.go", "run -cover -overlay=O a.go b.go -overlay=program c.go"},
		{"run a.go -overlay=x", "run -cover -overlay=O a.go -overlay=x"},
		{"run -- -overlay=x", "run -cover -overlay=O -- -overlay=x"},
		{"test -overlay", "test -cover -overlay=O"},
		{"test - --", "test -cover -overlay=O - --"},
	} {
		got := strings.Join(Parse(strings.Fields(c.in)).Without("overlay", "coverprofile").With("-cover", "-overlay=O").Words(), " ")
		if got != c.want {
			t.Errorf("go %s\n got go %s\nwant go %s", c.in, got, c.want)
		}
	}
}

// TestOtherSubcommands: what does not build is handed on as typed, apart from
// the place of -C.
func TestOtherSubcommands(t *testing.T) {
	for _, in := range []string{"mod tidy -v", "vet -overlay=x ./...", "tool covdata percent -i=.", "", "-C d env GOROOT", "version -m x"} {
		words := strings.Fields(in)
		if got := Parse(words).Words(); strings.Join(got, " ") != in {
			t.Errorf("go %s became go %q", in, got)
		}
	}
}

func TestLookup(t *testing.T) {
	l := Parse(strings.Fields("test -coverprofile a -coverprofile=b -outputdir d . -count 3 -args -count=9"))
	for name, want := range map[string]string{"coverprofile": "b", "outputdir": "d", "count": "3"} {
		if got, ok := l.Lookup(name); got != want || !ok {
			t.Errorf("-%s = %q, %v; want %q", name, got, ok, want)
		}
	}
	if _, ok := l.Lookup("cover"); ok {
		t.Error("-cover found, though nobody gave it")
	}
}

func TestGOFLAGS(t *testing.T) {
	for _, c := range []struct {
		in   string
		want []string
	}{
		{"", nil},
		{" -a  -b=c\t", []string{"-a", "-b=c"}},
		{`'-ldflags=-X a=b c' "-tags=x y"`, []string{"-ldflags=-X a=b c", "-tags=x y"}},
		{`-x=it's`, []string{"-x=it's"}},
	} {
		got, err := SplitGOFLAGS(c.in)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q: %q, %v; want %q", c.in, got, err, c.want)
		}
		joined, err := JoinGOFLAGS(got)
		if err != nil {
			t.Errorf("%q: %v", got, err)
		}
		if again, err := SplitGOFLAGS(joined); err != nil || !reflect.DeepEqual(again, c.want) {
			t.Errorf("%q joined to %q, which splits to %q, %v", got, joined, again, err)
		}
	}
	if _, err := SplitGOFLAGS(`-a '-b`); err == nil || !strings.Contains(err.Error(), "GOFLAGS") {
		t.Errorf("unterminated quote: %v", err)
	}
	if _, err := JoinGOFLAGS([]string{`-x=' "`}); err == nil {
		t.Error("a flag with both quotes and a space cannot be written in GOFLAGS, yet was")
	}
}

// FuzzParse: whatever is typed, nothing is lost and nothing panics.
func FuzzParse(f *testing.F) {
	f.Add("test -run x ./... -args -v")
	f.Add("run -C d a.go b.go -x")
	f.Add("-C=d build -o= -- -")
	f.Add("-C= -C=")
	f.Add("build -C= .")
	f.Fuzz(func(t *testing.T, s string) {
		words := strings.Fields(s)
		l := Parse(words)
		if n := len(l.Words()); n > len(words)+1 || n < len(words)-2 {
			t.Errorf("%q became %q", words, l.Words())
		}
		again := Parse(l.Words())
		if !reflect.DeepEqual(again.Words(), l.Words()) {
			t.Errorf("%q became %q, then %q", words, l.Words(), again.Words())
		}
	})
}

func FuzzGOFLAGS(f *testing.F) {
	f.Add(`'-a b' "-c" -d`)
	f.Fuzz(func(t *testing.T, s string) {
		flags, err := SplitGOFLAGS(s)
		if err != nil {
			return
		}
		joined, err := JoinGOFLAGS(flags)
		if err != nil {
			t.Fatalf("%q split to %q, which cannot be joined: %v", s, flags, err)
		}
		again, err := SplitGOFLAGS(joined)
		if err != nil || !reflect.DeepEqual(again, flags) {
			t.Errorf("%q split to %q, joined to %q, split to %q, %v", s, flags, joined, again, err)
		}
	})
}
