package remote_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/remote/engine"
)

// cases is the workspace whose tests these are about.
const cases = "e2e/remote/workspace"

// nonce makes an action that no cache knows: no test may depend on what an
// earlier run left.
func nonce() string { return fmt.Sprintf("--test_env=NONCE=%d", time.Now().UnixNano()) }

// state makes a folder for tests that must know of an earlier attempt, and
// returns it as seen from here and the flag that tells the tests.
func state(t *testing.T, e *engine.Engine) (dir, flag string) {
	t.Helper()
	dir, err := os.MkdirTemp(e.Shared, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	return dir, "--test_env=CASES_STATE=" + engine.SharedDir + "/" + filepath.Base(dir)
}

// worker is what the tracefile of a test has of cases/worker.go after one
// worker that took n steps: counts of its lines.
func worker(n int) map[string]int {
	return map[string]int{"step": n, "odd": n / 2, "main": 1}
}

// sharded is the steps of the worker in each shard of sharded_test: rules_go
// deals all tests of a file out in turn, those that do not run included.
var sharded = map[int]int{1: 3, 2: 1, 3: 2}

// functions returns the counts of functions in a tracefile.
func functions(t *testing.T, tracefile string) map[string]int {
	t.Helper()
	out := map[string]int{}
	for line := range strings.Lines(tracefile) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), "FNDA:"); ok {
			var count int
			var name string
			if _, err := fmt.Sscanf(strings.Replace(rest, ",", " ", 1), "%d %s", &count, &name); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			out[name] += count
		}
	}
	return out
}

// fetched is what covwrap fetch brings: files by name.
type fetched map[string]string

// fetch brings the outputs of a build from the remote cache, as a person does
// after a build that downloaded nothing.
func (b *build) fetch(t *testing.T) fetched {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "fetched")
	if out, err := exec.Command(covwrap, "fetch", "-o", dir, "--what=coverage,profiles,log", b.events).CombinedOutput(); err != nil {
		t.Fatalf("covwrap fetch: %v\n%s", err, out)
	}
	out := fetched{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		out[name] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// check checks one attempt among what was fetched: how the ledger says that
// it ended, the steps of its worker according to its profiles, and that its
// tracefile is there or not.
func (f fetched) check(t *testing.T, attempt, outcome string, steps int, tracefile bool) {
	t.Helper()
	var ledger struct {
		Outcome            string
		Covered, Collected int
	}
	if err := json.Unmarshal([]byte(f[attempt+"/test.outputs/covwrap/ledger.json"]), &ledger); err != nil {
		t.Errorf("%s: the ledger: %v (there are %q)", attempt, err, f.names())
		return
	}
	if ledger.Outcome != outcome || ledger.Covered != 1 || ledger.Collected != 1 {
		t.Errorf("%s: the ledger says %+v, want %s with one process", attempt, ledger, outcome)
	}
	if got := f.profile(t, attempt); !reflect.DeepEqual(got, worker(steps)) {
		t.Errorf("%s: its profiles say %v, want %v", attempt, got, worker(steps))
	}
	got := functions(t, f[attempt+"/coverage.dat"])
	if tracefile && !reflect.DeepEqual(got, worker(steps)) || !tracefile && len(got) > 0 {
		t.Errorf("%s: its tracefile says %v", attempt, got)
	}
}

// profile returns the counts of functions in the profiles of an attempt, read
// by Go's own tool.
func (f fetched) profile(t *testing.T, attempt string) map[string]int {
	t.Helper()
	dir := t.TempDir()
	for name, text := range f {
		if strings.HasPrefix(name, attempt+"/test.outputs/covwrap/profiles/") {
			if err := os.WriteFile(filepath.Join(dir, filepath.Base(name)), []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	text := filepath.Join(dir, "profile.txt")
	if out, err := exec.Command("go", "tool", "covdata", "textfmt", "-i="+dir, "-o="+text).CombinedOutput(); err != nil {
		t.Errorf("%s: go tool covdata: %v\n%s", attempt, err, out)
		return nil
	}
	data, err := os.ReadFile(text)
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile(filepath.Join(repository, cases, "cases", "worker.go"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]int{}
	n := 0
	for line := range strings.Lines(string(source)) {
		n++
		var name string
		if _, err := fmt.Sscanf(line, "func %s", &name); err != nil {
			continue
		}
		name, _, _ = strings.Cut(name, "(")
		// A function's first block begins on its line.
		for block := range strings.Lines(string(data)) {
			if f := strings.Fields(block); strings.Contains(block, fmt.Sprintf("worker.go:%d.", n)) {
				count, err := strconv.Atoi(f[2])
				if err != nil {
					t.Fatalf("%q: %v", block, err)
				}
				out[name] = count
			}
		}
	}
	return out
}

// names lists what there is, for messages.
func (f fetched) names() []string {
	var out []string
	for name := range f {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// A second run is a full hit, after a clean as on another machine, and has the
// same coverage: nothing that differs from run to run is in an action's key.
func TestCached(t *testing.T) {
	e := engineFor(t, engine.HostTools)
	once := nonce()
	args := []string{once, "--remote_download_outputs=toplevel", "//cases:killed_test", "//cases:sharded_test"}
	c := remote(t, cases, e)
	runs := func(runner string) []string {
		return []string{"//cases:killed_test " + runner, "//cases:sharded_test " + runner, "//cases:sharded_test " + runner, "//cases:sharded_test " + runner}
	}
	check := func(when string, c *client, b *build, runner string) {
		t.Helper()
		b.allRemote()
		got := b.tests()
		slices.Sort(got)
		if !reflect.DeepEqual(got, runs(runner)) {
			t.Errorf("%s: the tests ran as %q, want %q", when, got, runs(runner))
		}
	}
	c.clean() // of what other tests have left in bazel-testlogs
	b := c.run(success, "coverage", args...)
	check("first", c, b, "remote")
	if got := functions(t, c.read("cases/killed_test/coverage.dat")); !reflect.DeepEqual(got, worker(5)) {
		t.Errorf("the tracefile says %v, want %v", got, worker(5))
	}
	first := c.tracefiles(t)
	for _, runner := range []string{"after a clean", "on another machine"} {
		if runner == "after a clean" {
			c.clean()
		} else {
			c = another(t, cases, e)
		}
		b := c.run(success, "coverage", args...)
		check(runner, c, b, "remote cache hit")
		for _, s := range b.spawns {
			// Bazel lists the tracefiles for its report in the order in which it
			// has come across the tests, which is not always the same.
			if s.Runner != "remote cache hit" && s.Mnemonic != "CoverageReport" {
				t.Errorf("%s: %s of %s ran again", runner, s.Mnemonic, s.TargetLabel)
			}
		}
		if got := c.tracefiles(t); !reflect.DeepEqual(got, first) {
			t.Errorf("%s: the tracefiles are %v, want %v", runner, got, first)
		}
		f := b.fetch(t)
		f.check(t, "cases/killed_test", "passed", 5, true)
	}
}

// tracefiles returns the tracefiles of all tests and the combined report.
func (c *client) tracefiles(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{"report": c.report()}
	for _, name := range files(t, c.log("")) {
		if strings.HasSuffix(name, "coverage.dat") {
			out[name] = c.read(name)
		}
	}
	return out
}

// report returns the combined report.
func (c *client) report() string {
	c.t.Helper()
	data, err := os.ReadFile(filepath.Join(c.links, "out", "_coverage", "_coverage_report.dat"))
	if err != nil {
		c.t.Fatal(err)
	}
	return string(data)
}

// However much of its outputs a build downloads, the combined report is the
// same, and what it left can be fetched.
func TestDownload(t *testing.T) {
	e := engineFor(t, engine.HostTools)
	targets := []string{"//cases:killed_test", "//cases:sharded_test"}
	var report string
	for _, mode := range []string{
		"--remote_download_outputs=all",
		"--remote_download_outputs=toplevel",
		"--remote_download_outputs=minimal",
		`--remote_download_outputs=toplevel --remote_download_regex=.*/test\.outputs/.*`,
	} {
		t.Run(mode, func(t *testing.T) {
			c := remote(t, cases, e)
			b := c.run(success, "coverage", append(strings.Fields(mode+" "+nonce()), targets...)...)
			b.allRemote()
			if report == "" {
				report = c.report()
			}
			if got := c.report(); got != report {
				t.Errorf("the report is\n%s\nwant\n%s", got, report)
			}
			_, err := os.Stat(c.log("cases/killed_test/test.outputs/outputs.zip"))
			if want := strings.HasSuffix(mode, "=all") || strings.Contains(mode, "regex"); (err == nil) != want {
				t.Errorf("outputs.zip here: %v, want %v", err == nil, want)
			}
			f := b.fetch(t)
			f.check(t, "cases/killed_test", "passed", 5, true)
			for shard := 1; shard <= 3; shard++ {
				f.check(t, fmt.Sprintf("cases/sharded_test/shard_%d", shard), "passed", sharded[shard], true)
			}
			merged, err := exec.Command(covwrap, "merge", b.events).Output()
			if err != nil {
				t.Errorf("covwrap merge: %v", err)
			}
			if got, want := functions(t, string(merged)), functions(t, report); !reflect.DeepEqual(got, want) {
				t.Errorf("merged from the build events: %v, want %v", got, want)
			}
		})
	}
}

// The merger may run in an action of its own, after the test's.
func TestSplitPostprocessing(t *testing.T) {
	e := engineFor(t, engine.HostTools)
	targets := []string{"//cases:killed_test", "//cases:sharded_test"}
	c := remote(t, cases, e)
	c.run(success, "coverage", targets...).allRemote()
	want := c.tracefiles(t)
	b := c.run(success, "coverage", append([]string{"--experimental_split_coverage_postprocessing", "--experimental_fetch_all_coverage_outputs"}, targets...)...)
	b.allRemote()
	if got := c.tracefiles(t); !reflect.DeepEqual(got, want) {
		t.Errorf("split, the tracefiles are %v, want %v", got, want)
	}
	if n := len(b.tests()); n != 8 {
		t.Errorf("%d spawns of tests, want two for each of four", n)
	}
	b.fetch(t).check(t, "cases/killed_test", "passed", 5, true)
}

func TestRunsPerTest(t *testing.T) {
	e := engineFor(t, engine.HostTools)
	c := remote(t, cases, e)
	b := c.run(success, "coverage", nonce(), "--runs_per_test=2", "//cases:killed_test", "//cases:sharded_test")
	b.allRemote()
	f := b.fetch(t)
	for run := 1; run <= 2; run++ {
		f.check(t, fmt.Sprintf("cases/killed_test/run_%d", run), "passed", 5, true)
		for shard := 1; shard <= 3; shard++ {
			f.check(t, fmt.Sprintf("cases/sharded_test/shard_%d_run_%d", shard, run), "passed", sharded[shard], true)
		}
	}
	if got, want := functions(t, c.report()), map[string]int{"main": 8, "step": 2 * (5 + 1 + 2 + 3), "odd": 2 * (2 + 0 + 1 + 1)}; !reflect.DeepEqual(got, want) {
		t.Errorf("the report says %v, want %v", got, want)
	}
}

// Bazel keeps the coverage of the attempt that passed; the one that failed has
// its own profiles, labelled as what it is.
func TestFlaky(t *testing.T) {
	for _, runner := range []engine.Runner{engine.HostTools, engine.Bubblewrap} {
		t.Run(string(runner), func(t *testing.T) {
			e := engineFor(t, runner)
			_, flag := state(t, e)
			c := remote(t, cases, e)
			b := c.run(success, "coverage", flag, "//cases:flaky_test")
			b.allRemote()
			f := b.fetch(t)
			f.check(t, "cases/flaky_test/attempt_1", "failed", 9, false)
			f.check(t, "cases/flaky_test/attempt_2", "passed", 4, true)
			if got := functions(t, c.report()); !reflect.DeepEqual(got, worker(4)) {
				t.Errorf("the report says %v, want %v", got, worker(4))
			}
		})
	}
}

func TestFailing(t *testing.T) {
	e := engineFor(t, engine.HostTools)
	c := remote(t, cases, e)
	b := c.run(testsFailed, "coverage", nonce(), "//cases:failing_test")
	b.allRemote()
	b.fetch(t).check(t, "cases/failing_test", "failed", 6, false)
}

// A test that runs into its time-out brings nothing back but its log, unless
// the launcher ends it before.
func TestTimeout(t *testing.T) {
	for _, runner := range []engine.Runner{engine.HostTools, engine.Bubblewrap} {
		t.Run(string(runner), func(t *testing.T) {
			e := engineFor(t, runner)
			c := remote(t, cases, e)
			nothing := leavesNothing(t, e)
			b := c.run(testsFailed, "coverage", nonce(), "--test_timeout=40", "--@covwrap//rules/config:end_before_timeout=20s", "//cases:slow_test")
			b.allRemote()
			f := b.fetch(t)
			f.check(t, "cases/slow_test", "timed out", 7, false)
			log := f["cases/slow_test/test.log"]
			for _, want := range []string{"goroutine ", "cases_test.go", "hang(", "20s before"} {
				if !strings.Contains(log, want) {
					t.Errorf("the log lacks %q:\n%s", want, log)
				}
			}
			nothing()
		})
	}
}

// A worker that goes down in the middle of a test is no failure: Bazel has the
// action executed again, and its coverage counts once.
func TestCrash(t *testing.T) {
	for _, runner := range []engine.Runner{engine.HostTools, engine.Bubblewrap} {
		t.Run(string(runner), func(t *testing.T) {
			e := engineFor(t, runner)
			dir, flag := state(t, e)
			pipe := filepath.Join(dir, "crash.hangs")
			if err := errors.Join(syscall.Mkfifo(pipe, 0o666), os.Chmod(pipe, 0o666)); err != nil {
				t.Fatal(err)
			}
			c := remote(t, cases, e)
			nothing := leavesNothing(t, e)
			b, wait := c.start("coverage", flag, "//cases:crash_test")
			hangs, ended := make(chan error, 1), make(chan struct{})
			go func() {
				// Opening blocks until the test has opened it too.
				r, err := os.Open(pipe)
				hangs <- errors.Join(err, r.Close())
			}()
			go func() { defer close(ended); wait() }()
			select {
			case err := <-hangs:
				if err != nil {
					t.Fatal(err)
				}
			case <-ended:
				t.Fatalf("the build ended before the test ran: exit code %d\n%s", b.exit, tail(b.output, 40))
			}
			if len(e.Running()) == 0 {
				t.Error("a test runs, and is not seen: leavesNothing checks nothing")
			}
			if err := e.Crash(); err != nil {
				t.Fatal(err)
			}
			<-ended
			if b.exit != success {
				t.Fatalf("exit code %d\n%s", b.exit, tail(b.output, 40))
			}
			b.allRemote()
			if got := functions(t, c.report()); !reflect.DeepEqual(got, worker(8)) {
				t.Errorf("the report says %v, want %v", got, worker(8))
			}
			b.fetch(t).check(t, "cases/crash_test", "passed", 8, true)
			nothing()
		})
	}
}

// Nothing that comes back names the machine that it comes from: no sandbox, no
// worker's folder, no output base; also with paths mapped.
func TestPaths(t *testing.T) {
	for _, flags := range [][]string{nil, {"--experimental_output_paths=strip"}} {
		t.Run(strings.Join(flags, " "), func(t *testing.T) {
			for _, runner := range []engine.Runner{engine.HostTools, engine.Bubblewrap} {
				e := engineFor(t, runner)
				c := remote(t, cases, e)
				b := c.run(success, "coverage", append([]string{nonce(), "//cases:killed_test", "//cases:sharded_test"}, flags...)...)
				b.allRemote()
				f := b.fetch(t)
				f["report"] = c.report()
				for name, text := range f {
					if strings.HasSuffix(name, "test.log") {
						continue // what the test says is the test's
					}
					for _, bad := range []string{c.base, e.Dir, "/execroot/", "/sandbox/", "cas-tmpdir", "/root/", "/tmp/", "processwrapper", ".runfiles/"} {
						if at := bytes.Index([]byte(text), []byte(bad)); at >= 0 {
							t.Errorf("%s has %q: ...%q...", name, bad, text[max(0, at-80):min(len(text), at+80)])
						}
					}
				}
			}
		})
	}
}
