package remote_test

import (
	"encoding/json"
	"io/fs"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"example.com/remote/engine"
)

// Whatever executes a test, its coverage is the same: every tracefile byte for
// byte, the combined report, and the ledgers but for what names a process or a
// time.
func TestSameAsLocal(t *testing.T) {
	exactly := func(text string) string { return text }
	for _, w := range []struct {
		name, dir string
		targets   []string
		normal    func(string) string
	}{
		{"smoke", "e2e/smoke", []string{"//..."}, exactly},
		{"examples", ".", []string{"//examples/..."}, withoutChance},
		{"cases", cases, []string{"//cases:killed_test", "//cases:sharded_test"}, exactly},
	} {
		t.Run(w.name, func(t *testing.T) {
			here := local(t, w.dir)
			args := append([]string{"--nocache_test_results", "--remote_download_outputs=all"}, w.targets...)
			here.run(success, "coverage", args...)
			for _, runner := range []engine.Runner{engine.HostTools, engine.Bubblewrap} {
				t.Run(string(runner), func(t *testing.T) {
					e := engineFor(t, runner)
					there := remote(t, w.dir, e)
					b := there.run(success, "coverage", args...)
					b.allRemote()
					compare(t, here, there, w.normal)
					there.run(success, "test", args...).allRemote()
				})
			}
		})
	}
}

// chance is what differs from run to run in the examples themselves: ports,
// temporary folders, and how often two words are compared when those of a map
// are sorted.
var chance = regexp.MustCompile(`127\.0\.0\.1:\d+|/tmp/[\w.]+|(DA:\d+,|FNDA:)[1-9]\d*`)

func withoutChance(text string) string {
	return chance.ReplaceAllString(text, "${1}CHANCE")
}

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
			if got, want := normal(there.read(name)), normal(here.read(name)); got != want {
				t.Errorf("%s differs:\n%s\nwant\n%s", name, got, want)
			}
		case "outputs.zip":
			got, want := normal(ledger(t, there.log(name))), normal(ledger(t, here.log(name)))
			if got != want {
				t.Errorf("%s: the ledger is\n%s\nwant\n%s", name, got, want)
			}
		}
	}
	if got, want := normal(there.report()), normal(here.report()); got != want || got == "" {
		t.Errorf("the combined report differs:\n%s\nwant\n%s", got, want)
	}
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
