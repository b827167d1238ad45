package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// outcome is a test of //outcomes, and what must be there of it.
type outcome struct {
	test     string
	bazel    string // what Bazel calls it
	children int    // of each attempt
	attempts []attempt
}

// attempt is one attempt of a test: its folder among the test's logs, and how
// its ledger says that it came out.
type attempt struct{ outputs, outcome string }

const last = "test.outputs"

var outcomes = []outcome{
	{"fails", "FAILED", 1, []attempt{{last, "failed"}}},
	{"panics", "FAILED", 1, []attempt{{last, "failed"}}},
	// rules_go runs the test in a child of its own, and exits when that is killed.
	{"killed", "FAILED", 1, []attempt{{last, "failed"}}},
	{"flaky", "FLAKY", 1, []attempt{{"test_attempts/attempt_1.outputs", "failed"}, {last, "passed"}}},
	{"parallel", "PASSED", 4, []attempt{{last, "passed"}}},
	{"hangs", "TIMEOUT", 1, []attempt{{last, "timed out"}}},
	{"deaf", "TIMEOUT", 1, []attempt{{last, "timed out"}}},
}

// smokeOutcomes runs tests that come out in every way, with coverage, and
// checks what each attempt left among its outputs: Bazel itself keeps no
// coverage of a test that did not pass.
func smokeOutcomes(r *report, w workspace) {
	state, err := os.MkdirTemp("", "smoke")
	if err != nil {
		r.check("outcomes", err)
		return
	}
	defer os.RemoveAll(state)
	// The limit is long enough for what does not hang, on a busy machine.
	args := []string{"coverage", "--keep_going", "--nocache_test_results", "--nozip_undeclared_test_outputs",
		"--instrumentation_filter=^//endings", "--test_timeout=30"}
	for _, o := range outcomes {
		args = append(args, "//outcomes:"+o.test+"_test")
	}
	stdout, err := w.bazel([]string{"SMOKE_STATE=" + state}, args...)
	const testsFailed = 3
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.ExitCode() != testsFailed {
		r.check("outcomes", fmt.Errorf("bazel coverage ended with %w, want exit status %d", err, testsFailed))
		return
	}
	words := results(stdout)
	for _, o := range outcomes {
		r.equal("outcome "+o.test, words["//outcomes:"+o.test+"_test"], o.bazel)
		for i, a := range o.attempts {
			name := fmt.Sprintf("outcome %s, attempt %d", o.test, i+1)
			dir := w.log("outcomes/" + o.test + "_test/" + a.outputs + "/covwrap")
			r.check(name+" ledger", checkLedger(filepath.Join(dir, "ledger.json"), a.outcome, o.children))
			text, err := profileOf(r, filepath.Join(dir, "profiles.tar"))
			if err != nil {
				r.check(name+" profiles", err)
				continue
			}
			r.golden(name+" profiles", string(text), filepath.Join(w.dir, "expected", fmt.Sprintf("outcomes-%d.profile", o.children)))
		}
	}
}

// profileOf returns what all processes of a test counted together, as Go's own tool
// reads it from the archive of their profiles.
func profileOf(r *report, archive string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "profiles")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if _, err := r.quiet(dir, "tar", "-xf", archive); err != nil {
		return nil, err
	}
	if _, err := r.quiet(dir, "go", "tool", "covdata", "textfmt", "-i=profiles", "-o=profile"); err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(dir, "profile"))
}

// checkLedger checks what a ledger says of a test and of its programs, which
// have all run and been killed.
func checkLedger(file, outcome string, children int) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var l struct {
		Outcome            string
		Covered, Collected int
		LeftOut            []any `json:"left_out"`
	}
	if err := json.Unmarshal(data, &l); err != nil {
		return err
	}
	if l.Outcome != outcome || l.Covered != children || l.Collected != children || len(l.LeftOut) != 0 {
		return fmt.Errorf("%s has outcome %q, %d covered, %d collected, %d left out; want %q, %d, %d, 0",
			file, l.Outcome, l.Covered, l.Collected, len(l.LeftOut), outcome, children, children)
	}
	return nil
}
