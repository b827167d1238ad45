//go:build linux

package proof

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The ways in which counters can reach a file, by which package embed has
// everything, something or nothing to do.
var (
	handlerWhole = &kind{name: "handler-whole", dir: "handler", carrier: "import", mode: "count"}
	handlerEdges = &kind{name: "handler-edges", dir: "handler", carrier: "import", mode: "count", files: []string{"../subject/big.go"}}
	handlerFiles = &kind{name: "handler-files", dir: "handler", carrier: "import", mode: "count", env: []string{"GOARCH=386"}}
	handlerAlone = &kind{name: "handler-alone", dir: "handler", flags: []string{"-tags=alone"}}
)

func TestHandlers(t *testing.T) {
	for _, k := range []*kind{handlerWhole, handlerEdges, handlerFiles} {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			bin, reference := k.build(t), handlerAlone.build(t)
			if out, err := exec.Command(bin, "none", "1").CombinedOutput(); err != nil {
				t.Skipf("this machine does not run GOARCH=386: %v %s", err, out)
			}
			for _, test := range []struct {
				way         string
				want        result
				calls, loop int
			}{
				{"default", result{"signal: terminated", "", ""}, 1, 4},
				{"others", result{"signal: hangup", "", ""}, 1, 4},
				{"many-times", result{"signal: terminated", "", ""}, 1, 4},
				{"own-before", result{"exit status 0", "terminated\nuser defined signal 1\nend true\n", ""}, 1, 4},
				{"own-after", result{"exit status 0", "terminated\nuser defined signal 1\nend true\n", ""}, 1, 4},
				{"own-stopped", result{"signal: terminated", "", ""}, 1, 4},
				{"ignored", result{"exit status 0", "alive\nend true\n", ""}, 1, 4},
				{"ignored-later", result{"exit status 0", "alive\nend true\n", ""}, 1, 4},
				{"nohup", result{"exit status 0", "alive\nend true\n", ""}, 1, 4},
				{"cleanup", result{"exit status 5", "", ""}, 2, 8},
				{"reload", result{"exit status 6", "", ""}, 4, 4 + 3 + 2 + 1},
			} {
				t.Run(test.way, func(t *testing.T) {
					dir := profileDir(t)
					script := `exec "$0" "$@"`
					if test.way == "nohup" {
						script = "trap '' HUP; " + script
					}
					got := runCmd(t, dir, exec.Command("/bin/sh", "-c", script, bin, test.way, "4"))
					if got != test.want {
						t.Errorf("got %+v, want %+v", got, test.want)
					}
					if got := runCmd(t, t.TempDir(), exec.Command("/bin/sh", "-c", script, reference, test.way, "4")); got != test.want {
						t.Errorf("without coverage: %+v, want %+v", got, test.want)
					}
					calls, loop := total(t, k, dir)
					if calls != test.calls || loop != test.loop {
						t.Errorf("the loop ran %d times in %d calls, want %d in %d; files %q", loop, calls, test.loop, test.calls, list(t, dir))
					}
				})
			}
		})
	}
}

// total is the sum over all processes of a profile directory.
func total(t *testing.T, k *kind, dir string) (calls, loop int) {
	t.Helper()
	if k == handlerWhole {
		for _, m := range maps(t, dir) {
			l, c := counts(t, m)
			calls, loop = calls+int(c), loop+int(l)
		}
		return calls, loop
	}
	profile := filepath.Join(t.TempDir(), "profile")
	if out, err := exec.Command("go", "tool", "covdata", "textfmt", "-i="+dir, "-o="+profile).CombinedOutput(); err != nil {
		t.Fatalf("covdata: %v\n%s", err, out)
	}
	text, err := os.ReadFile(profile)
	if err != nil {
		t.Fatal(err)
	}
	count := func(lines string) int {
		m := regexp.MustCompile(`work\.go:` + lines + ` \d+ (\d+)\n`).FindSubmatch(text)
		if m == nil {
			t.Fatalf("no block %s in\n%s", lines, text)
		}
		n, err := strconv.Atoi(string(m[1]))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	return count(`6\.\d+,7\.\d+`), count(`7\.\d+,9\.\d+`)
}

// TestGrowth says what package embed, but for Mark, adds to a program that is
// not covered.
func TestGrowth(t *testing.T) {
	size := func(name string, calls string) int64 {
		dir := filepath.Join(root, name)
		if err := os.MkdirAll(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		repo, err := filepath.Abs("../../..")
		if err != nil {
			t.Fatal(err)
		}
		imports := ""
		if calls != "" {
			imports = "\t\"github.com/covwrap/covwrap/embed\"\n"
		}
		for file, text := range map[string]string{
			"go.mod":  "module example.com/growth\n\ngo 1.24\nrequire github.com/covwrap/covwrap v0.0.0\nreplace github.com/covwrap/covwrap => " + repo + "\n",
			"main.go": "package main\n\nimport (\n\t\"fmt\"\n" + imports + "\t\"os\"\n)\n\nfunc main() {\n" + calls + "\tfmt.Println(os.Args)\n}\n",
		} {
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		cmd := exec.Command("go", "build", "-mod=mod", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", "growth")
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOFLAGS=", "CGO_ENABLED=0", "PWD="+dir)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		info, err := os.Stat(filepath.Join(dir, "growth"))
		if err != nil {
			t.Fatal(err)
		}
		if calls != "" {
			deps := exec.Command("go", "list", "-mod=mod", "-deps", "./...")
			deps.Dir, deps.Env = dir, cmd.Env
			out, err := deps.Output()
			if err != nil {
				t.Fatal(err)
			}
			// Of the last two, only Mark links anything.
			allowed := []string{"embed", "embed/internal/hook", "embed/internal/rt", "embed/phase"}
			for _, p := range strings.Fields(string(out)) {
				own, ok := strings.CutPrefix(p, "github.com/covwrap/covwrap/")
				if ok && !slices.Contains(allowed, own) || p == "os/signal" || p == "runtime/coverage" {
					t.Errorf("package embed brings %s into a program that is not covered", p)
				}
			}
		}
		return info.Size()
	}
	without := size("growth-without", "")
	with := size("growth-with", "\tembed.CleanupOnSIGTERM()\n\tembed.CleanupOnSignal(os.Interrupt)\n\tembed.Cleanup()\n")
	// The linker rounds sections up to pages of 4 KiB.
	t.Logf("%d bytes without package embed, %d more with it", without, with-without)
	if with-without > 4096 {
		t.Errorf("package embed makes a program that is not covered %d bytes larger, want at most a page", with-without)
	}
}
