package gobuild

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/covwrap/covwrap/tools/covwrap/internal/carrier"
	"github.com/covwrap/covwrap/tools/covwrap/internal/gocmd"
)

// builder returns a builder whose runtime is one line that a program can see.
func builder(t *testing.T) *Builder {
	t.Helper()
	tool, err := gocmd.Tool()
	if err != nil {
		t.Fatal(err)
	}
	return &Builder{Tool: tool, Cache: t.TempDir(), Runtime: func(goroot string) (map[string][]byte, error) {
		return map[string][]byte{"src/flag/covwrap.go": fmt.Appendf(nil, "package flag\n\nconst Covwrap = %q\n", goroot)}, nil
	}}
}

// goflags returns the value of GOFLAGS.
func goflags(b *Builder, dir string, more []string) (string, error) {
	vars, err := b.Environment(dir, more)
	if err != nil {
		return "", err
	}
	return strings.TrimPrefix(vars[0], "GOFLAGS="), nil
}

func module(t *testing.T, files map[string]string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const gomod = "module example.com/m\n\ngo 1.24\n"

// TestPlan compares whole command lines; OVERLAY stands for our overlay file.
func TestPlan(t *testing.T) {
	t.Setenv("GOFLAGS", "")
	b := builder(t)
	dir := module(t, map[string]string{"go.mod": gomod})
	t.Setenv("GOARCH", "amd64")
	for _, c := range []struct{ goflags, in, want, profile string }{
		{"", "build -o x .", "build -cover -overlay=OVERLAY -o x .", ""},
		{"", "run -race . a b", "run -cover -overlay=OVERLAY -race . a b", ""},
		{"", "vet -v ./...", "vet -v ./...", ""},
		{"", "test ./...", "test -cover -overlay=OVERLAY -count=1 ./...", ""},
		{"", "test -c -o x .", "test -cover -overlay=OVERLAY -c -o x .", ""},
		{"", "test -list . ./...", "test -cover -overlay=OVERLAY -list . ./...", ""},
		{"", "test -count=3 .", "test -cover -overlay=OVERLAY -count=3 .", ""},
		{"-count=2", "test .", "test -cover -overlay=OVERLAY .", ""},
		{"", "test -coverprofile c.out -covermode=atomic .", "test -cover -overlay=OVERLAY -coverprofile=GO -count=1 -covermode=atomic .", "DIR/c.out"},
		{"", "test -coverprofile=c.out -outputdir o .", "test -cover -overlay=OVERLAY -coverprofile=GO -count=1 -outputdir o .", "DIR/o/c.out"},
		{"", "test -coverprofile=/abs/c.out -outputdir=o .", "test -cover -overlay=OVERLAY -coverprofile=GO -count=1 -outputdir=o .", "/abs/c.out"},
		{"GOOS=windows", "build .", "build -cover -overlay=OVERLAY -tags=covwrap .", ""},
		{"GOOS=windows -tags=a,b", "build .", "build -cover -overlay=OVERLAY -tags=a,b,covwrap .", ""},
		{"GOOS=windows -tags=a", "build -tags c,covwrap -v .", "build -cover -overlay=OVERLAY -tags=c,covwrap -v .", ""},
	} {
		goflags, windows := strings.CutPrefix(c.goflags, "GOOS=windows")
		t.Setenv("GOFLAGS", goflags)
		t.Setenv("GOOS", "linux")
		if windows {
			t.Setenv("GOOS", "windows")
		}
		words := append([]string{"-C", dir}, strings.Fields(c.in)...)
		got, err := b.Plan(words, "GO")
		if err != nil {
			t.Errorf("go %s: %v", c.in, err)
			continue
		}
		line := strings.Join(got.Args, " ")
		if i := strings.Index(line, b.Cache); i >= 0 {
			file, rest, _ := strings.Cut(line[i:], " ")
			if _, err := os.Stat(file); err != nil {
				t.Error(err)
			}
			line = line[:i] + strings.TrimSuffix("OVERLAY "+rest, " ")
		}
		if want := "-C " + dir + " " + c.want; line != want {
			t.Errorf("GOFLAGS=%q go %s\n got %s\nwant %s", c.goflags, c.in, line, want)
		}
		if want := strings.Replace(c.profile, "DIR", dir, 1); got.Profile != want {
			t.Errorf("go %s: profile %q, want %q", c.in, got.Profile, want)
		}
	}
}

// TestUserOverlay: from the command line, else from GOFLAGS.
func TestUserOverlay(t *testing.T) {
	b := builder(t)
	dir := module(t, map[string]string{"go.mod": gomod, "line.json": `{"Replace": {"a.go": "line"}}`, "flags.json": `{"Replace": {"b.go": "flags"}}`})
	t.Setenv("GOFLAGS", "'-overlay="+filepath.Join(dir, "flags.json")+"'")
	for in, want := range map[string]string{"build .": "b.go", "build -overlay line.json .": "a.go"} {
		got, err := b.Plan(append([]string{"-C", dir}, strings.Fields(in)...), "")
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Warnings) != 1 || !strings.Contains(got.Warnings[0], filepath.Join(dir, want)+" (1 in all)") {
			t.Errorf("go %s: warnings %q; want one that names %s", in, got.Warnings, want)
		}
		l := gocmd.Parse(got.Args)
		file, _ := l.Lookup("overlay")
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var o carrier.Overlay
		if err := json.Unmarshal(data, &o); err != nil {
			t.Fatal(err)
		}
		if _, ok := o.Replace[filepath.Join(dir, want)]; !ok || len(o.Replace) != 2 {
			t.Errorf("go %s: overlay %v; want ours and %s", in, o.Replace, want)
		}
	}
}

// TestGOFLAGS: a real build with the value, from a shell's point of view: it
// carries the runtime, has counters and keeps the user's flags; setting it
// twice changes nothing.
func TestGOFLAGS(t *testing.T) {
	b := builder(t)
	dir := module(t, map[string]string{
		"go.mod":  gomod,
		"main.go": "package main\n\nimport \"flag\"\n\nvar text = \"no\"\n\nfunc main() { print(flag.Covwrap, \" \", text) }\n",
	})
	t.Setenv("GOFLAGS", "'-ldflags=-X main.text=a' -covermode=set -trimpath")
	flags, err := goflags(b, dir, []string{"-covermode=atomic", "-coverpkg=./..."})
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOFLAGS", flags)
	again, err := goflags(b, dir, []string{"-covermode=atomic", "-coverpkg=./..."})
	if err != nil || !strings.Contains(again, "-covermode=atomic") || strings.Count(again, "-cover ") != 1 || strings.Count(again, "-overlay") != 1 {
		t.Errorf("set twice: %s, %v\nfirst: %s", again, err, flags)
	}
	want := "'-ldflags=-X main.text=a' -trimpath -cover -overlay="
	if !strings.HasPrefix(flags, want) || !strings.HasSuffix(flags, " -covermode=atomic -coverpkg=./...") {
		t.Errorf("GOFLAGS=%s; want %s...", flags, want)
	}
	build := exec.Command("go", "build", "-o", "x", ".")
	build.Dir = dir
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	run := exec.Command(filepath.Join(dir, "x"))
	run.Env = append(os.Environ(), "GOCOVERDIR="+dir)
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	out, err := run.CombinedOutput()
	if want := strings.TrimSpace(string(goroot)) + " a"; err != nil || string(out) != want {
		t.Errorf("ran: %q, %v; want %q", out, err, want)
	}
	if got, _ := filepath.Glob(filepath.Join(dir, "covcounters.*")); len(got) != 1 {
		t.Errorf("%d counter files, want 1", len(got))
	}
}

// TestTagsOfGOFLAGS: where programs have no maps, package embed needs its tag.
func TestTagsOfGOFLAGS(t *testing.T) {
	b := builder(t)
	dir := module(t, map[string]string{"go.mod": gomod})
	t.Setenv("GOFLAGS", "-tags=a -trimpath")
	t.Setenv("GOOS", "darwin")
	t.Setenv("GOARCH", "arm64")
	for more, want := range map[string]string{"-race": "-tags=a,covwrap -race", "-tags=b": "-tags=b,covwrap"} {
		flags, err := goflags(b, dir, []string{more})
		if err != nil || !strings.HasPrefix(flags, "-trimpath -cover -overlay=") || !strings.HasSuffix(flags, ".json "+want) {
			t.Errorf("more %s: GOFLAGS=%s, %v; want ... %s", more, flags, err, want)
		}
	}
}

// TestVersion: the message names folder and version.
func TestVersion(t *testing.T) {
	t.Setenv("GOFLAGS", "")
	b := builder(t)
	b.Runtime = func(string) (map[string][]byte, error) { return nil, errors.New("too old") }
	dir := module(t, map[string]string{"go.mod": gomod})
	_, err := b.Plan([]string{"-C", dir, "build"}, "")
	if err == nil || !strings.Contains(err.Error(), dir+" builds with go1.") || !strings.Contains(err.Error(), "too old") {
		t.Errorf("got %v", err)
	}
}
