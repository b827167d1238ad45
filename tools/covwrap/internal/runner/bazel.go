package runner

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/covwrap/covwrap/tools/covwrap/internal/launch"
	"github.com/covwrap/covwrap/tools/covwrap/internal/ledger"
	"github.com/covwrap/covwrap/tools/covwrap/internal/profiles"
	"github.com/covwrap/covwrap/tools/covwrap/internal/scrub"
)

// Wrapped is a test under Bazel, as the rules describe it in the environment.
type Wrapped struct {
	Options
	OnMissing string // ignore, warn or fail
	Coverage  string // COVERAGE_DIR; "" if Bazel does not collect coverage
	Outputs   string // where the ledger goes, "" nowhere
	// Bad lists options that could not be understood.
	Bad []string
}

// What to do when a covered process is left out of the report.
const (
	Ignore = "ignore"
	Warn   = "warn"
	Fail   = "fail"
)

// FromEnvironment reads what Bazel and the rules tell in environment
// variables; args are the test's arguments.
//
// Bazel: COVERAGE_DIR, TEST_TMPDIR, TEST_UNDECLARED_OUTPUTS_DIR, TEST_SRCDIR,
// TEST_WORKSPACE, TEST_TARGET, TEST_TIMEOUT, TEST_SHARD_INDEX,
// TEST_TOTAL_SHARDS, TEST_RUN_NUMBER (bazel.build/reference/test-encyclopedia).
// The rules: COVWRAP_TEST and COVWRAP_OPTIONS.
func FromEnvironment(get func(string) string, args []string) *Wrapped {
	w := &Wrapped{OnMissing: Ignore}
	w.Grace, w.KeepProfiles, w.Grouped = DefaultGrace, true, true
	w.Path = testPath(get)
	w.Argv = append([]string{w.Path}, args...)
	if dir := get("COVERAGE_DIR"); dir != "" {
		// A remote worker may have it begin with two slashes.
		w.Coverage = filepath.Clean(dir)
	}
	w.Temp = get("TEST_TMPDIR")
	if dir := get("TEST_UNDECLARED_OUTPUTS_DIR"); dir != "" {
		w.Outputs = filepath.Join(dir, "covwrap")
		w.Archive = true
		w.Profiles = filepath.Join(w.Outputs, profiles.ArchiveName)
	}
	if n, err := strconv.Atoi(get("TEST_TIMEOUT")); err == nil && n > 0 {
		w.TimeLimit = time.Duration(n) * time.Second
	}
	w.Ledger = ledger.Ledger{Test: get("TEST_TARGET"), Run: get("TEST_RUN_NUMBER")}
	if n, err := strconv.Atoi(get("TEST_SHARD_INDEX")); err == nil && get("TEST_TOTAL_SHARDS") != "" {
		w.Ledger.Shard = fmt.Sprintf("%d/%s", n+1, get("TEST_TOTAL_SHARDS"))
	}
	w.Scrub = scrub.New(get, "TEST_UNDECLARED_OUTPUTS_DIR", "TEST_TMPDIR", "COVERAGE_DIR", "TEST_SRCDIR", "RUNFILES_DIR")
	w.options(get(launch.OptionsVar))
	return w
}

// testPath returns the executable that the rules wrap: its path is relative to
// the runfiles of the main repository.
func testPath(get func(string) string) string {
	test := get(launch.TestVar)
	if filepath.IsAbs(test) {
		return test
	}
	if dir := get("TEST_SRCDIR"); dir != "" {
		return filepath.Join(dir, get("TEST_WORKSPACE"), test)
	}
	abs, err := filepath.Abs(test)
	if err != nil {
		return test
	}
	return abs
}

// options parses COVWRAP_OPTIONS: words like "grace=5s". A word that is not
// understood is no reason to fail a test; it is named in the log.
func (w *Wrapped) options(words string) {
	for _, word := range strings.Fields(words) {
		name, value, _ := strings.Cut(word, "=")
		ok := true
		switch name {
		case "grace":
			ok = duration(&w.Grace, value)
		case "aggregate":
			if ok = CheckAggregate(value) == nil; ok {
				w.Aggregate = value
			}
		case "end_before_timeout":
			ok = duration(&w.EndBefore, value)
		case "keep_profiles":
			w.KeepProfiles, ok = value != "0", value == "0" || value == "1"
		case "on_missing":
			w.OnMissing = value
			if ok = value == Ignore || value == Warn || value == Fail; !ok {
				w.OnMissing = Warn
			}
		default:
			ok = false
		}
		if !ok {
			w.Bad = append(w.Bad, word)
		}
	}
}

func duration(to *time.Duration, s string) bool {
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return false
	}
	*to = d
	return true
}

// Tracefile makes the tracefile in COVERAGE_DIR, empty, and returns its name.
// Other programs write theirs beside it, and so may launchers below this one.
//
// The name has nothing of chance: with split post-processing the folder is an
// input of the action that merges, whose key would differ from run to run.
func (w *Wrapped) Tracefile() (string, error) {
	for i := 0; ; i++ {
		name := filepath.Join(w.Coverage, fmt.Sprintf("covwrap.%d.dat", i))
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if errors.Is(err, fs.ErrExist) && i < maxTracefiles {
			continue
		}
		if err != nil {
			return "", err
		}
		// Readable whatever the umask: a worker may collect as another user.
		return name, errors.Join(f.Chmod(0o644), f.Close())
	}
}

// maxTracefiles ends the search for a free name in a folder that somebody has
// filled.
const maxTracefiles = 10_000
