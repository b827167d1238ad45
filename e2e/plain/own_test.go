//go:build linux

package plain

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// endless is a program that works until it is killed, and kills itself.
const endless = `package main

import (
	"os"
	"syscall"
)

func work(i int) int {
	if i == 1000 {
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	return i + 1
}

func main() {
	for i := 0; ; {
		i = work(i)
	}
}
`

// endlessProfile is what it has counted by then, with -covermode=atomic: work
// was called for 0 to 1000, and returned from all but the last call, or from
// that one as well if the signal takes a moment; so that block is left out.
const endlessProfile = `mode: atomic
example.com/m/main.go:8.22,9.15 1 1001
example.com/m/main.go:9.15,11.3 1 1
example.com/m/main.go:15.13,16.16 1 1
example.com/m/main.go:16.16,18.3 1 1001
`

// withoutReturn takes out the block that may be counted or not.
func withoutReturn(p string) string {
	var kept []string
	for _, line := range strings.SplitAfter(p, "\n") {
		if !strings.Contains(line, "main.go:12.") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

// TestEnv: a build script that knows nothing of covwrap, in a shell that was
// set up (twice: that changes nothing); the user's flags with blanks and quotes
// stay, and an overlay of the user's own.
func TestEnv(t *testing.T) {
	dir := folder(t)
	write(t, dir, map[string]string{
		"go.mod":     "module example.com/m\n\ngo 1.24\n\nrequire example.com/lib v1.0.0\n\nreplace example.com/lib => ./lib\n",
		"main.go":    endless,
		"print.go":   "package main\n\nimport (\n\t\"fmt\"\n\n\t\"example.com/lib\"\n)\n\nvar a string\n\nfunc init() { fmt.Println(lib.Text, a) }\n",
		"lib/go.mod": "module example.com/lib\n\ngo 1.24\n", "lib/lib.go": "package lib\n\nconst Text = \"disk\"\n",
		"other": "package lib\n\nconst Text = \"overlay\"\n", "o.json": `{"Replace": {"lib/lib.go": "other"}}`,
		"build.sh": "set -e\ngo build -o x .\n",
		"it.sh":    "./x\necho \"ended with $?\"\n",
	})
	flags := []string{"GOFLAGS='-ldflags=-X main.a=b=c' '-overlay=o.json' -trimpath"}
	must(t, dir, flags, "sh", "-ec", `eval "$(`+covwrap+` env -covermode=atomic)"; eval "$(`+covwrap+` env -covermode=atomic)"; sh build.sh; go env GOFLAGS > flags`)
	if got := read(t, filepath.Join(dir, "flags")); !strings.HasPrefix(got, "'-ldflags=-X main.a=b=c' -trimpath -cover -overlay=/") || strings.Count(got, "-overlay") != 1 {
		t.Errorf("GOFLAGS=%s", got)
	}
	out := must(t, dir, nil, covwrap, "run", "--profile", "out", "--", "sh", "it.sh")
	if out != "overlay b=c\nended with 137\n" {
		t.Errorf("the script printed %q", out)
	}
	if got, want := withoutReturn(read(t, filepath.Join(dir, "out"))), endlessProfile+"example.com/m/print.go:11.13,11.41 1 1\n"; got != want {
		t.Errorf("profile:\n%swant:\n%s", got, want)
	}
}

// TestVersions: Go 1.24, 1.25 and the machine's own, chosen by GOTOOLCHAIN, and
// by the toolchain line of a module.
func TestVersions(t *testing.T) {
	for _, c := range []struct{ name, toolchain, line string }{
		{"1.24", "go1.24.9", ""}, {"1.25", "go1.25.4", ""}, {"local", "local", ""}, {"toolchain line", "auto", "toolchain go1.25.4\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := folder(t)
			gomod := "module example.com/m\n\ngo 1.24.0\n"
			if c.line != "" {
				// Newer than the machine's Go never, so that this one is asked
				// for: by GOTOOLCHAIN=<older>+auto.
				gomod += "\n" + c.line
				c.toolchain = "go1.24.9+auto"
			}
			write(t, dir, map[string]string{"go.mod": gomod, "main.go": endless})
			env := []string{"GOTOOLCHAIN=" + c.toolchain}
			must(t, dir, env, covwrap, "go", "build", "-covermode=atomic", "-o", "x", ".")
			version := must(t, dir, env, "go", "version", "x")
			if want := strings.TrimSpace(must(t, dir, env, "go", "env", "GOVERSION")); !strings.Contains(version, want) {
				t.Errorf("built with %q, want %s", version, want)
			}
			r := try(t, dir, nil, covwrap, "run", "--quiet", "--profile", "out", "--", "./x")
			if r.status != -1 {
				t.Errorf("covwrap run: %+v; want it killed as the program was", r)
			}
			if got := withoutReturn(read(t, filepath.Join(dir, "out"))); got != endlessProfile {
				t.Errorf("profile:\n%swant:\n%s", got, endlessProfile)
			}
		})
	}
}

// helperTest is a package whose tests run their own binary as a helper, in the
// two ways that Go projects do, a script, and a program that they build.
const helperTest = `package m

import (
	"os"
	"os/exec"
	"testing"
)

func TestMain(m *testing.M) {
	if os.Getenv("AS_HELPER") == "main" {
		Helper(3)
		os.Exit(7)
	}
	os.Exit(m.Run())
}

func TestHelperProcess(t *testing.T) {
	if os.Getenv("AS_HELPER") != "test" {
		t.Skip("not the helper")
	}
	Helper(5)
	p, _ := os.FindProcess(os.Getpid())
	p.Kill()
	select {}
}

func helper(how string, args ...string) error {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), "AS_HELPER="+how)
	return cmd.Run()
}

func TestHelpers(t *testing.T) {
	if err := helper("main"); err == nil || err.Error() != "exit status 7" {
		t.Fatal(err)
	}
	if err := helper("test", "-test.run=TestHelperProcess"); err == nil || err.Error() != "signal: killed" {
		t.Fatal(err)
	}
	Direct()
}
`

func helperModule(t *testing.T) string {
	dir := folder(t)
	write(t, dir, map[string]string{
		"go.mod":    "module example.com/m\n\ngo 1.24\n",
		"m.go":      "package m\n\nvar n int\n\nfunc Helper(by int) {\n\tfor range by {\n\t\tn++\n\t}\n}\n\nfunc Direct() {\n\tn--\n}\n",
		"m_test.go": helperTest,
		"q/q.go":    "package q\n\nfunc Untested() int {\n\treturn 1\n}\n",
	})
	return dir
}

// TestGoTest: golang/go#60182 and #63660: one profile of the tests and all their
// children, helpers that end in os.Exit and by SIGKILL among them, and of
// packages without tests; output and -json untouched; cached results run.
func TestGoTest(t *testing.T) {
	dir := helperModule(t)
	args := func(more ...string) []string { return append([]string{"test", "-covermode=count"}, more...) }
	stock := must(t, dir, nil, "go", args("-coverprofile=stock.out", "./...")...)
	for range 2 { // the second time, a result would be cached
		r := try(t, dir, nil, covwrap, append([]string{"go"}, args("-coverprofile", "ours.out", "./...")...)...)
		if r.status != 0 {
			t.Fatalf("covwrap go test: %+v", r)
		}
		if got, want := seconds.ReplaceAllString(r.stdout, "\t"), seconds.ReplaceAllString(stock, "\t"); got != want {
			t.Errorf("covwrap go test printed\n%s\ngo test printed\n%s", got, want)
		}
		if !strings.Contains(r.stderr, "spawned") || !strings.Contains(r.stderr, "100.0% of statements in all processes; go test by itself sees") && !strings.Contains(r.stderr, "75.0% of statements in all processes") {
			t.Errorf("covwrap go test said %q", r.stderr)
		}
		const want = `mode: count
example.com/m/m.go:5.21,6.15 1 2
example.com/m/m.go:6.15,8.3 1 8
example.com/m/m.go:11.15,13.2 1 1
example.com/m/q/q.go:3.21,5.2 1 0
`
		if got := read(t, filepath.Join(dir, "ours.out")); got != want {
			t.Errorf("profile:\n%swant:\n%s", got, want)
		}
	}
	// The statuses of go test, and its output, when a test fails.
	write(t, dir, map[string]string{"fail_test.go": "package m\n\nimport \"testing\"\n\nfunc TestFail(t *testing.T) { t.Fatal(\"on purpose\") }\n"})
	r := try(t, dir, nil, covwrap, "go", "test", "-json", "-coverprofile=failed.out", ".")
	if r.status != 1 {
		t.Errorf("failing test: %+v", r)
	}
	for _, line := range strings.Split(strings.TrimSpace(r.stdout), "\n") {
		if !strings.HasPrefix(line, "{") {
			t.Errorf("-json output has the line %q", line)
		}
	}
	if got := read(t, filepath.Join(dir, "failed.out")); !strings.Contains(got, "m.go:6.15,8.3 1 1\n") {
		t.Errorf("profile of a failed test:\n%s", got)
	}
}

// TestPassThrough: what does not build is the go command as it is, statuses
// included.
func TestPassThrough(t *testing.T) {
	dir := helperModule(t)
	for _, args := range [][]string{{"vet", "./..."}, {"list", "./..."}, {"env", "GOMOD"}, {"no-such-subcommand"}, {"build", "./no-such-folder"}} {
		want, got := try(t, dir, nil, "go", args...), try(t, dir, nil, covwrap, append([]string{"go"}, args...)...)
		if got != want {
			t.Errorf("covwrap go %q: %+v\ngo: %+v", args, got, want)
		}
	}
}

// TestConcurrentBuilds share one overlay that none of them has prepared.
func TestConcurrentBuilds(t *testing.T) {
	dir := folder(t)
	write(t, dir, map[string]string{"go.mod": "module example.com/m\n\ngo 1.24\n", "main.go": endless})
	cache := []string{"XDG_CACHE_HOME=" + folder(t)}
	done := make(chan result)
	for i := range 4 {
		go func() {
			done <- try(t, dir, cache, covwrap, "go", "build", "-covermode=atomic", "-o", fmt.Sprint("x", i), ".")
		}()
	}
	for range 4 {
		if r := <-done; r.status != 0 {
			t.Errorf("%+v", r)
		}
	}
	entries, err := os.ReadDir(filepath.Join(cache[0][len("XDG_CACHE_HOME="):], "covwrap", "overlay"))
	if err != nil || len(entries) != 1 {
		t.Errorf("overlays: %v, %v; want one", entries, err)
	}
}
