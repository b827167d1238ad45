package textprofile

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func read(t *testing.T, s string) *Profile {
	t.Helper()
	p, err := Read("x", strings.NewReader(s))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func write(t *testing.T, p *Profile) string {
	t.Helper()
	var b strings.Builder
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestReadWrite(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", "mode: set\n"},
		{"mode: set\r\nb.go:1.2,3.4 5 0\r\na b:c.go:10.1,10.2 1 3\na b:c.go:9.1,9.2 1 0\nb.go:1.2,3.4 5 1\n",
			"mode: set\na b:c.go:9.1,9.2 1 0\na b:c.go:10.1,10.2 1 1\nb.go:1.2,3.4 5 1\n"},
		{"mode: atomic\na:1.1,1.1 0 2\nmode: atomic\na:1.1,1.1 0 3\na:1.1,1.1 1 18446744073709551615\na:1.1,1.1 1 1\n",
			"mode: atomic\na:1.1,1.1 0 5\na:1.1,1.1 1 18446744073709551615\n"},
	} {
		if got := write(t, read(t, c.in)); got != c.want {
			t.Errorf("%q\n got %q\nwant %q", c.in, got, c.want)
		}
	}
}

func TestErrors(t *testing.T) {
	for in, want := range map[string]string{
		"TN:\n":                                  `x:1: not a Go coverage profile`,
		"mode: some\n":                           `x:1: mode "some"`,
		"mode: set\nmode: count\n":               `x:2: mode "count" after mode "set"`,
		"mode: set\n\na:1.1,1.1 1 -1\n":          `x:3: count is no number`,
		"mode: set\na:1.1,1.1 x 1\n":             `x:2: statements are no number`,
		"mode: set\na:1.1,1.1 1\n":               `x:2: no number of statements`,
		"mode: set\n:1.1,1.1 1 1\n":              `x:2: no file name`,
		"mode: set\na:1.1 1 1\n":                 `x:2: no end position`,
		"mode: set\na:1.1,1 1 1\n":               `x:2: no column`,
		"mode: set\na:1.1,1.9999999999 1 1\n":    `x:2: column is no number`,
		"mode: set\na\n":                         `x:2: no count`,
		"mode: set\n" + strings.Repeat("x", 2e6): `x:2: bufio.Scanner: token too long`,
	} {
		_, err := Read("x", strings.NewReader(in))
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.60q: %v, want %s...", in, err, want)
		}
	}
}

func TestAtLeast(t *testing.T) {
	p := read(t, "mode: count\na:1.1,1.2 1 5\na:2.1,2.2 3 0\n")
	if err := p.AtLeast(read(t, "mode: count\na:1.1,1.2 1 2\na:2.1,2.2 3 1\nb:1.1,1.2 2 0\n")); err != nil {
		t.Fatal(err)
	}
	if got, want := write(t, p), "mode: count\na:1.1,1.2 1 5\na:2.1,2.2 3 1\nb:1.1,1.2 2 0\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if ran, all := p.Statements(); ran != 4 || all != 6 {
		t.Errorf("%d of %d statements ran, want 4 of 6", ran, all)
	}
	if err := p.AtLeast(&Profile{Mode: "set"}); err == nil || !strings.Contains(err.Error(), `"count"`) {
		t.Errorf("other mode: %v, want an error that names both", err)
	}
	var empty Profile
	if err := empty.AtLeast(p); err != nil || write(t, &empty) != write(t, p) {
		t.Errorf("from empty: %v, %q", err, write(t, &empty))
	}
}

// TestGoToolAgrees: "go tool cover" reads what we write as it reads what it
// was made from.
func TestGoToolAgrees(t *testing.T) {
	dir := t.TempDir()
	for name, data := range map[string]string{
		"go.mod":    "module example.com/m\n\ngo 1.24\n",
		"m.go":      "package m\n\nfunc F(b bool) int {\n\tif b {\n\t\treturn 1\n\t}\n\treturn 2\n}\n",
		"m_test.go": "package m\n\nimport \"testing\"\n\nfunc TestF(t *testing.T) { F(true) }\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	gocmd := func(args ...string) string {
		cmd := exec.Command("go", args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("go %q: %v\n%s", args, err, out)
		}
		return string(out)
	}
	gocmd("test", "-covermode=count", "-coverprofile=go.out", ".")
	data, err := os.ReadFile(filepath.Join(dir, "go.out"))
	if err != nil {
		t.Fatal(err)
	}
	p := read(t, string(data))
	if got := write(t, p); got != string(data) {
		t.Errorf("rewritten:\n%s\nthe go command wrote:\n%s", got, data)
	}
	if err := os.WriteFile(filepath.Join(dir, "our.out"), []byte(write(t, p)), 0o644); err != nil {
		t.Fatal(err)
	}
	want := gocmd("tool", "cover", "-func=go.out")
	if got := gocmd("tool", "cover", "-func=our.out"); got != want || !strings.Contains(got, "66.7%") {
		t.Errorf("go tool cover says\n%s\nof ours and\n%s\nof its own", got, want)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("mode: set\na/b.go:1.2,3.4 5 6\n")
	f.Add("mode: atomic\na b:c.go:1.2,3.4 5 18446744073709551615\nmode: atomic\n")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := Read("x", strings.NewReader(s))
		if err != nil {
			if !strings.HasPrefix(err.Error(), "x:") {
				t.Errorf("error without file name: %v", err)
			}
			return
		}
		first := write(t, p)
		if again := write(t, read(t, first)); again != first {
			t.Errorf("%q written as %q, then as %q", s, first, again)
		}
	})
}
