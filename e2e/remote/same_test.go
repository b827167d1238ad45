package remote_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"example.com/remote/engine"
)

// Whatever executes a test, its coverage is the same: every tracefile byte for
// byte, the combined report, and the ledgers but for what names a process or a
// time. Whatever a test has left running, nothing of it is on the worker
// afterwards.
func TestSameAsLocal(t *testing.T) {
	exactly := func(text string) string { return text }
	// The first runner builds what the second one only tests: both get to build.
	hostToolsFirst := []engine.Runner{engine.HostTools, engine.Bubblewrap}
	bubblewrapFirst := []engine.Runner{engine.Bubblewrap, engine.HostTools}
	for _, w := range []struct {
		name, dir string
		targets   []string
		runners   []engine.Runner
		normal    func(string) string
	}{
		{"smoke", "e2e/smoke", []string{"//..."}, bubblewrapFirst, exactly},
		{"examples", ".", []string{"//examples/..."}, hostToolsFirst, withoutChance},
		{"matrix", "e2e/matrix", []string{"//bazel:bazel_test", "//helper:helper_test"}, bubblewrapFirst, withoutLoops},
		{"repository", "e2e/repository", []string{"//..."}, hostToolsFirst, exactly},
		{"cases", cases, []string{"//cases:killed_test", "//cases:sharded_test"}, bubblewrapFirst, exactly},
	} {
		t.Run(w.name, func(t *testing.T) {
			here := local(t, w.dir)
			args := append([]string{"--nocache_test_results", "--remote_download_outputs=all"}, w.targets...)
			here.run(success, "coverage", args...)
			for i, runner := range w.runners {
				t.Run(string(runner), func(t *testing.T) {
					e := engineFor(t, runner)
					there := remote(t, w.dir, e)
					if i == 0 {
						there.clean() // of what other tests have left in bazel-testlogs
					}
					nothing := leavesNothing(t, e)
					b := there.run(success, "coverage", args...)
					b.allRemote()
					compare(t, here, there, w.normal)
					nothing()
					there.run(success, "test", args...).allRemote()
				})
			}
		})
	}
}

// chance is what differs from run to run in the examples themselves: ports,
// temporary folders, how often two words are compared when those of a map are
// sorted, and which worker of a pool gets a file.
var chance = regexp.MustCompile(`127\.0\.0\.1:\d+|/tmp/(?:[\w.]+/)*?Test\w+|(DA:\d+,|FNDA:)[1-9]\d*|("blocks_covered": )\d+|("blocks_only_here": )\d+`)

func withoutChance(text string) string {
	return chance.ReplaceAllString(text, "${1}${2}${3}CHANCE")
}

// loops is how often the matrix's processes went around until they were killed
// or had no stack left: thousands of times, all else is less. (e2e/matrix
// compares it with what the processes themselves say.)
var loops = regexp.MustCompile(`(DA:\d+,|FNDA:)\d{4,}`)

func withoutLoops(text string) string { return loops.ReplaceAllString(text, "${1}LOOP") }

// compare compares what two clients have in their bazel-testlogs, in the form
// that normal makes of it.
func compare(t *testing.T, here, there *client, normal func(string) string) {
	t.Helper()
	want, got := files(t, here.log("")), files(t, there.log(""))
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the files are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		return
	}
	for _, name := range want {
		switch filepath.Base(name) {
		case "coverage.dat", "baseline_coverage.dat":
			if d := difference(normal(there.read(name)), normal(here.read(name))); d != "" {
				t.Errorf("%s %s", name, d)
			}
		case "outputs.zip":
			if d := difference(normal(ledger(t, there.log(name))), normal(ledger(t, here.log(name)))); d != "" {
				t.Errorf("%s, the ledger %s", name, d)
			}
		}
	}
	if got, want := normal(there.report()), normal(here.report()); got != want || got == "" {
		t.Errorf("the combined report %s", difference(got, want))
	}
}

// difference shows where a text begins to differ from the wanted one, "" if it
// does not.
func difference(got, want string) string {
	if got == want {
		return ""
	}
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	n := 0
	for n < min(len(g), len(w)) && g[n] == w[n] {
		n++
	}
	around := func(lines []string) string {
		return strings.Join(lines[max(0, n-15):min(len(lines), n+10)], "\n")
	}
	return fmt.Sprintf("differs in line %d of %d (want %d lines):\n%s\nwant\n%s", n+1, len(g), len(w), around(g), around(w))
}

// files lists what matters in a folder of test logs.
func files(t *testing.T, dir string) []string {
	t.Helper()
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	err = filepath.WalkDir(real, func(path string, d fs.DirEntry, err error) error {
		if err == nil && (strings.HasSuffix(path, "coverage.dat") || d.Name() == "outputs.zip") {
			name, _ := filepath.Rel(real, path)
			out = append(out, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// ledger returns the ledger in a test's undeclared outputs, without what must
// differ from run to run, "" if there is none.
func ledger(t *testing.T, archive string) string {
	t.Helper()
	text, err := fromZip(archive, "covwrap/ledger.json")
	if err != nil {
		if strings.Contains(err.Error(), "file does not exist") {
			return ""
		}
		t.Fatal(err)
	}
	var l map[string]any
	if err := json.Unmarshal([]byte(text), &l); err != nil {
		t.Fatalf("%s: the ledger is not JSON: %v", archive, err)
	}
	scrub(l)
	out, err := json.MarshalIndent(l, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// scrub removes what names a process, a time or a user. Times may be missing,
// too: when a process ended that its parent waited for, the launcher only
// knows if it happened to look before.
func scrub(v any) {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			switch key {
			case "pid", "ppid", "uid", "start", "end", "profile":
				delete(v, key)
			case "spawned":
				// How many processes were seen from outside, among them ones
				// that live for microseconds.
				delete(v, key)
			case "ended":
				if !endsAreKnown {
					delete(v, key)
				} else {
					scrub(value)
				}
			default:
				scrub(value)
			}
		}
	case []any:
		for _, value := range v {
			scrub(value)
		}
	}
}

// endsAreKnown says that this machine's kernel tells the launcher how a process
// ended that somebody else waited for (Linux 6.16). Before, it depends on
// whether the launcher looked in between.
var endsAreKnown = func() bool {
	release, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	var major, minor int
	_, err := fmt.Sscanf(string(release), "%d.%d", &major, &minor)
	return err == nil && (major > 6 || major == 6 && minor >= 16)
}()
