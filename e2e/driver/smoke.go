package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// endings are the tests of //endings, each with a tracefile of its own.
var endings = []string{"Return", "Exit", "Panic", "SIGTERM", "SIGKILL", "Reexec", "Fifty"}

// runSmoke drives e2e/smoke.
func runSmoke(r *report) {
	w := r.workspace("smoke")
	defer w.shutdown()

	stories := smokeTest(r, w)
	smokeFilter(r, w)
	if stories != nil {
		smokeCoverage(r, w, stories)
	}
	smokeOutcomes(r, w)
}

// smokeTest runs everything without coverage, with and without covwrap, and
// returns what the children without covwrap had to tell.
func smokeTest(r *report, w workspace) map[string]string {
	state, err := os.MkdirTemp("", "smoke")
	if err != nil {
		r.check("test", err)
		return nil
	}
	defer os.RemoveAll(state)
	stdout, err := w.bazel([]string{"SMOKE_STATE=" + state, "SMOKE_INHERITED=from outside"},
		"test", "--nocache_test_results", "--nozip_undeclared_test_outputs", "//...", "//dropin:plain_test", "//endings:plain_test")
	r.check("test", err)
	if err != nil {
		return nil
	}
	outcomes := results(stdout)
	for _, label := range []string{"//plumbing:flaky_test", "//plumbing:plain_flaky_test"} {
		r.equal("test "+label+" is retried", outcomes[label], "FLAKY")
	}

	for _, label := range []string{"//dropin:lib_test", "//dropin:plain_test", "//dropin:tools_test"} {
		r.equal("test "+label, outcomes[label], "PASSED")
	}

	stories := map[string]string{}
	for _, ending := range endings {
		plain, err := w.read("endings/plain_test/test.outputs/Test" + ending + ".child")
		if err != nil {
			r.check("test "+ending, err)
			continue
		}
		stories[ending] = plain
		compareChild(r, w, "test", ending, plain)
	}
	comparePlumbing(r, w, "test", [][]string{{"TestA", "TestC", "TestFlaky"}, {"TestB"}}, nil)

	_, err = w.bazel(nil, "run", "//dropin:lib_test")
	r.check("run //dropin:lib_test", err)
	return stories
}

// compareChild checks that the children of a test have told what they do without
// covwrap.
func compareChild(r *report, w workspace, command, ending, plain string) {
	got, err := w.read("endings/" + ending + "_test/test.outputs/Test" + ending + ".child")
	if err != nil {
		r.check(command+" "+ending+" as without covwrap", err)
		return
	}
	r.equal(command+" "+ending+" as without covwrap", withoutAddresses(got), withoutAddresses(plain))
}

// address is what a Go stack trace has of memory and code. Addresses of the stack
// differ from one run to the next, distances in the code between a program with
// counters and one without.
var address = regexp.MustCompile(`\+?0x[0-9a-f]+`)

func withoutAddresses(story string) string {
	return address.ReplaceAllString(story, "ADDRESS")
}

// comparePlumbing checks what the tests of //plumbing saw, shard by shard.
func comparePlumbing(r *report, w workspace, command string, shards [][]string, args []string) {
	for i, tests := range shards {
		for _, target := range []string{"plain_test", "plumbing_test"} {
			shard := fmt.Sprintf("plumbing/%s/shard_%d_of_%d/test.outputs", target, i+1, len(shards))
			name := fmt.Sprintf("%s %s shard %d", command, target, i+1)
			var ran []string
			files, err := filepath.Glob(w.log(shard + "/*.seen"))
			for _, file := range files {
				ran = append(ran, strings.TrimSuffix(filepath.Base(file), ".seen"))
			}
			looking := slices.DeleteFunc(slices.Clone(tests), func(test string) bool { return test == "TestFlaky" })
			if err != nil || !slices.Equal(ran, looking) {
				r.check(name, fmt.Errorf("ran %q (%v), want %q", ran, err, looking))
				continue
			}
			for _, test := range ran {
				got, err := w.read(shard + "/" + test + ".seen")
				r.check(name+" "+test, errors.Join(err, difference(got, seen(i, len(shards), args))))
			}
		}
	}
}

// seen is what a test of //plumbing is to see.
func seen(shard, shards int, args []string) string {
	all := append([]string{"-test.count=1", "plumbing/data.txt"}, args...)
	return fmt.Sprintf(`{
	"Args": [
		"%s"
	],
	"Folder": "plumbing",
	"Given": "as given",
	"Inherited": "from outside",
	"Data": "a file\n",
	"DataByArg": "a file\n",
	"Shard": "%d",
	"Shards": "%d",
	"OwnLeftOver": null
}
`, strings.Join(all, "\",\n\t\t\""), shard, shards)
}

// smokeFilter checks that flags of `bazel test` about the inside of a test get
// there.
func smokeFilter(r *report, w workspace) {
	_, err := w.bazel([]string{"SMOKE_INHERITED=from outside"},
		"test", "--nocache_test_results", "--nozip_undeclared_test_outputs",
		"--test_filter=^TestB$", "--test_arg=from the command line", "--test_arg=plumbing/data.txt",
		"//plumbing:plumbing_test", "//plumbing:plain_test")
	r.check("filter", err)
	if err == nil {
		comparePlumbing(r, w, "filter", [][]string{{}, {"TestB"}}, []string{"from the command line", "plumbing/data.txt"})
	}
}

// smokeCoverage runs everything with coverage and compares each test's tracefile
// with the expected one, and its children with those without covwrap.
func smokeCoverage(r *report, w workspace, stories map[string]string) {
	_, err := w.bazel([]string{"SMOKE_INHERITED=from outside"},
		"coverage", "--nocache_test_results", "--nozip_undeclared_test_outputs", "//...")
	r.check("coverage", err)
	if err != nil {
		return
	}
	for _, ending := range endings {
		compareChild(r, w, "coverage", ending, stories[ending])
		tracefile, err := w.read("endings/" + ending + "_test/coverage.dat")
		if err != nil {
			r.check("coverage "+ending+" tracefile", err)
			continue
		}
		r.golden("coverage "+ending+" tracefile", tracefile, filepath.Join(w.dir, "expected", ending+".lcov"))
	}
	for _, test := range []string{"lib", "tools"} {
		tracefile, err := w.read("dropin/" + test + "_test/coverage.dat")
		if err != nil {
			r.check("coverage dropin "+test+" tracefile", err)
			continue
		}
		r.golden("coverage dropin "+test+" tracefile", tracefile, filepath.Join(w.dir, "expected", "dropin-"+test+".lcov"))
	}
	comparePlumbing(r, w, "coverage", [][]string{{"TestA", "TestC", "TestFlaky"}, {"TestB"}}, nil)
	combined, err := os.ReadFile(filepath.Join(w.dir, "bazel-out", "_coverage", "_coverage_report.dat"))
	if err != nil {
		r.check("coverage combined report", err)
		return
	}
	r.golden("coverage combined report", string(combined), filepath.Join(w.dir, "expected", "combined.lcov"))
}
