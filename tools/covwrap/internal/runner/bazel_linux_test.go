package runner_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/covwrap/covwrap/tools/covwrap/internal/ledger"
)

// wrapped returns the launcher as the rules start it, before a bash script, in
// a coverage test of Bazel.
func wrapped(t testing.TB, script string, env ...string) *exec.Cmd {
	t.Helper()
	cmd := covwrap(t)
	test := filepath.Join(cmd.Dir, "runfiles", "ws", "pkg", "test.sh")
	write(t, test, "#!/bin/bash\n"+script)
	if err := exec.Command("chmod", "+x", test).Run(); err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{"cov", "tmp", "out"} {
		write(t, filepath.Join(cmd.Dir, d, ".keep"), "")
	}
	cmd.Dir = filepath.Join(cmd.Dir, "runfiles", "ws")
	up := filepath.Dir(filepath.Dir(cmd.Dir))
	cmd.Env = append(append(cmd.Env,
		"COVWRAP_TEST=pkg/test.sh", "COVERAGE_DIR="+up+"/cov", "TEST_TMPDIR="+up+"/tmp",
		"TEST_UNDECLARED_OUTPUTS_DIR="+up+"/out", "TEST_SRCDIR="+up+"/runfiles", "TEST_WORKSPACE=ws", "TEST_TARGET=//pkg:test",
	), env...)
	return cmd
}

// top is the folder in which wrapped has put everything.
func top(cmd *exec.Cmd) string { return filepath.Dir(filepath.Dir(cmd.Dir)) }

// TestWithoutCoverage: the launcher becomes the test.
func TestWithoutCoverage(t *testing.T) {
	cmd := wrapped(t, `echo $0 "$@"; env | grep -e COVWRAP -e GOCOVERDIR; tr '\0' ' ' </proc/$PPID/cmdline | cut -c 1-2; exit 9`, "COVERAGE_DIR=", "COVWRAP_OPTIONS=grace=5s keep_profiles=1 on_missing=fail")
	cmd.Args = append(cmd.Args, "one", "two words", "-h")
	got := run(t, cmd)
	lines := strings.SplitN(got.out, "\n", 2)
	if want := top(cmd) + "/runfiles/ws/pkg/test.sh one two words -h"; lines[0] != want {
		t.Errorf("the test is called as %q, want %q", lines[0], want)
	}
	if strings.Contains(lines[1], "COVWRAP") || got.status != "exit 9" || got.err != "" {
		t.Errorf("%+v", got)
	}
	cmd = wrapped(t, "", "COVERAGE_DIR=", "COVWRAP_TEST=pkg/none")
	expect(t, "missing test", run(t, cmd), result{"exit 127", "", "covwrap: cannot run " + top(cmd) + "/runfiles/ws/pkg/none: no such file or directory\n"})
}

// bazelScript runs a bash script as a test of Bazel under coverage, with the
// programs in its working folder.
func bazelScript(t *testing.T, script string, env ...string) (result, *exec.Cmd) {
	t.Helper()
	dir := programs(t)
	cmd := wrapped(t, script, env...)
	for _, p := range []string{"plain", "stock", "mapped", "set"} {
		if err := os.Symlink(filepath.Join(dir, p), filepath.Join(cmd.Dir, p)); err != nil {
			t.Fatal(err)
		}
	}
	return run(t, cmd), cmd
}

// tree lists all files below a folder, with what differs from run to run
// replaced by a star.
func tree(t *testing.T, dir string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !d.IsDir() && d.Name() != ".keep" {
			rel, _ := filepath.Rel(dir, path)
			rel = regexp.MustCompile(`[0-9a-f]{32}(\.\d+\.\d+)?|\.\d+\.dat`).ReplaceAllString(rel, "*")
			files = append(files, rel)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(files)
	return files
}

// tracefileOf returns the only tracefile of a test.
func tracefileOf(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(top(cmd), "cov", "*.dat"))
	if err != nil || len(names) != 1 {
		t.Fatalf("COVERAGE_DIR has %v, not 1 tracefile (%v)", names, err)
	}
	return read(t, names[0])
}

// TestBazel: what a test leaves behind under Bazel, and that nothing of it is
// on its output, whether it passes or not.
func TestBazel(t *testing.T) {
	const script = "echo out; echo err >&2; ./mapped return; ./mapped kill; "
	for name, tc := range map[string]struct {
		script  string
		env     []string
		want    result
		outcome string
		files   []string
	}{
		"passed":                {script + "exit 0", nil, result{"exit 0", "out\n", "err\n"}, "passed", everything},
		"failed":                {script + "exit 3", nil, result{"exit 3", "out\n", "err\n"}, "failed", everything},
		"killed":                {script + "kill -9 $$", nil, result{"signal: killed", "out\n", "err\n"}, "killed", everything},
		"no profiles":           {script + "exit 0", []string{"COVWRAP_OPTIONS=keep_profiles=0 grace=1s"}, result{"exit 0", "out\n", "err\n"}, "passed", []string{"cov/covwrap*", "out/covwrap/ledger.json"}},
		"no undeclared outputs": {script + "exit 0", []string{"TEST_UNDECLARED_OUTPUTS_DIR="}, result{"exit 0", "out\n", "err\n"}, "", []string{"cov/covwrap*"}},
		"bad option":            {script + "exit 0", []string{"COVWRAP_OPTIONS=grace=fast"}, result{"exit 0", "out\n", "err\n"}, "passed", append([]string{"cov/covwrap*", "out/covwrap/covwrap.log"}, everything[1:]...)},
	} {
		t.Run(name, func(t *testing.T) {
			got, cmd := bazelScript(t, tc.script, tc.env...)
			// What bash says of a child that was killed.
			got.err = regexp.MustCompile(`(?m)^.*line \d+: .*\n`).ReplaceAllString(got.err, "")
			expect(t, "the test", got, tc.want)
			os.RemoveAll(filepath.Join(top(cmd), "runfiles"))
			if files := tree(t, top(cmd)); !slices.Equal(files, tc.files) {
				t.Errorf("files %q, want %q", files, tc.files)
			}
			trace := tracefileOf(t, cmd)
			for _, want := range []string{
				"#covwrap spawned=3 covered=2 collected=2\nSF:lib/lib.go\n",
				"FNDA:2,main\n", "DA:13,2\n", "DA:20,1\n", "DA:26,1\n",
			} {
				if !strings.Contains(trace, want) {
					t.Errorf("want %q in the tracefile\n%s", want, trace)
				}
			}
			if tc.outcome == "" {
				return
			}
			if slices.Contains(tc.files, "out/covwrap/profiles.tar") {
				if got, want := tree(t, unpacked(t, cmd)), []string{"covcounters.*", "covcounters.*", "covmeta.*"}; !slices.Equal(got, want) {
					t.Errorf("profiles %q, want %q", got, want)
				}
			}
			text := read(t, filepath.Join(top(cmd), "out", "covwrap", "ledger.json"))
			l := readLedger(t, filepath.Join(top(cmd), "out", "covwrap", "ledger.json"))
			if l.Outcome != tc.outcome || l.Test != "//pkg:test" || len(l.Children) != 2 {
				t.Errorf("%+v", l)
			}
			// No machine in it: the programs themselves lie elsewhere here.
			if strings.Contains(text, top(cmd)) {
				t.Errorf("the ledger names %s:\n%s", top(cmd), text)
			}
		})
	}
}

// everything is what a test with children leaves in COVERAGE_DIR and in its
// undeclared outputs.
var everything = []string{
	"cov/covwrap*", "out/covwrap/ledger.json", "out/covwrap/profiles.tar",
}

// unpacked returns the folder of the profiles that a test has left.
func unpacked(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	dir := t.TempDir()
	out, err := exec.Command("tar", "-xf", filepath.Join(top(cmd), "out", "covwrap", "profiles.tar"), "-C", dir).CombinedOutput()
	if err != nil {
		t.Fatalf("tar: %v: %s", err, out)
	}
	return filepath.Join(dir, "profiles")
}

// look is a function of a script whose parent is the launcher: it waits until
// the launcher has looked at all processes that run now, and what they run. It
// starts one more for that, which the launcher comes across when it has looked
// at those that it knows, and has noted when it waits for its end: when its
// pidfd is in the launcher's epoll set.
const look = `
look() {
	sleep 600 & new=$!
	until file=$(grep -lE "^Pid:[[:space:]]+$new\$" /proc/$PPID/fdinfo/*) &&
		grep -qE "^tfd:[[:space:]]+${file##*/}[[:space:]]" /proc/$PPID/fdinfo/*
	do sleep 0.01; done
	kill $new; wait $new
} 2>/dev/null
`

// killedStock starts a stock program, waits until the launcher has seen it, and
// kills it. The program is an orphan, so that it is the launcher's to tell how
// it ended.
const killedStock = look + `
mkfifo never; exec 9<>never
(./stock wait <&9 >ready &)
while ! [ -s ready ]; do sleep 0.01; done
read pid <ready
look; look # the first may find a program that it did not know before
kill -9 $pid
`

// TestOnMissing: a covered process that lost its counters is named, and fails
// the test only if that was asked for.
func TestOnMissing(t *testing.T) {
	const line = "covwrap: spawned N, covered 1, collected 0; missing: P no-counters (./stock wait)\n"
	for name, tc := range map[string]struct {
		option string
		end    string
		want   result
	}{
		"ignore":            {"ignore", "exit 0", result{"exit 0", "", ""}},
		"warn":              {"warn", "exit 0", result{"exit 0", "", line}},
		"fail":              {"fail", "exit 0", result{"exit 3", "", line}},
		"fail, failed test": {"fail", "exit 5", result{"exit 5", "", line}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, cmd := bazelScript(t, "exec 2>/dev/null"+killedStock+tc.end, "COVWRAP_OPTIONS=on_missing="+tc.option)
			got.err = regexp.MustCompile(`spawned \d+`).ReplaceAllString(got.err, "spawned N")
			got.err = regexp.MustCompile(`missing: \d+`).ReplaceAllString(got.err, "missing: P")
			expect(t, name, got, tc.want)
			first, _, _ := strings.Cut(regexp.MustCompile(`pid=\d+`).ReplaceAllString(tracefileOf(t, cmd), "pid=P"), "SF:")
			if want := "#covwrap spawned=2 covered=1 collected=0\n#covwrap missing no-counters pid=P ./stock wait\n"; first != want {
				t.Errorf("tracefile begins %q, want %q", first, want)
			}
			l := readLedger(t, filepath.Join(top(cmd), "out", "covwrap", "ledger.json"))
			if len(l.LeftOut) != 1 || l.LeftOut[0].Why != "built for coverage, but ended by SIGKILL without leaving counters" {
				t.Errorf("left out %+v", l.LeftOut)
			}
		})
	}
}

// TestTimeout: Bazel's SIGTERM to the group when the time is up; the test ends,
// and everything is there, labelled.
func TestTimeout(t *testing.T) {
	dir := programs(t)
	cmd := wrapped(t, "exec 2>/dev/null; mkfifo never; "+dir+"/mapped wait <>never >ready & while ! [ -s ready ]; do sleep 0.01; done; sleep 1; echo $$; exec sleep 60", "TEST_TIMEOUT=2")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	got := signalled(t, cmd, func(launcher, _ int) { syscall.Kill(-launcher, syscall.SIGTERM) })
	expect(t, "timed out", got, result{"signal: terminated", "", ""})
	l := readLedger(t, filepath.Join(top(cmd), "out", "covwrap", "ledger.json"))
	// "By us" if the machine let the child wait to die.
	if l.Outcome != "timed out" || len(l.Children) != 1 || strings.TrimSuffix(ending(l.Children[0].Ended), " by us") != "SIGTERM" {
		t.Errorf("outcome %q, %v to %v, children %+v", l.Outcome, l.Start, l.End, l.Children)
	}
	if trace := tracefileOf(t, cmd); !strings.Contains(trace, "DA:32,1\n") {
		t.Errorf("tracefile:\n%s", trace)
	}
}

// TestKilledAtTimeout: under coverage Bazel's scripts have the launcher and its
// group killed as soon as the time is up. What it wrote shortly before is there.
func TestKilledAtTimeout(t *testing.T) {
	t.Parallel()
	dir := programs(t)
	cmd := wrapped(t, "exec 2>/dev/null; mkfifo never; "+dir+"/mapped wait <>never >ready & while ! [ -s ready ]; do sleep 0.01; done; exec sleep 600", "TEST_TIMEOUT=15")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	end := sync.OnceFunc(func() { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); cmd.Wait() })
	defer end()
	file := filepath.Join(top(cmd), "out", "covwrap", "ledger.json")
	var l *ledger.Ledger
	// On a slow machine the first reports may come before the program is there.
	for start := time.Now(); (l == nil || len(l.Children) == 0) && time.Since(start) < 5*time.Minute; {
		time.Sleep(10 * time.Millisecond)
		if _, err := os.Stat(file); err == nil {
			l = readLedger(t, file)
		}
	}
	end()
	if got := readLedger(t, file); got.Outcome != "timed out" || len(got.Children) != 1 || ending(got.Children[0].Ended) != "running" || got.Children[0].BlocksCovered != 6 {
		t.Errorf("outcome %q, children %+v", got.Outcome, got.Children)
	}
	if trace := tracefileOf(t, cmd); !strings.Contains(trace, "DA:32,1\n") {
		t.Errorf("tracefile:\n%s", trace)
	}
	if text := goTool(t, unpacked(t, cmd), "covdata", "percent", "-i=."); !strings.Contains(text, "example.com/prog\t\tcoverage: 46.2% of statements") {
		t.Errorf("profiles: %s", text)
	}
}

// TestInTime: a test that is reported because its time is nearly up, and passes
// then, is reported as if nothing had been.
func TestInTime(t *testing.T) {
	got, cmd := bazelScript(t, `mkfifo never; exec 9<>never
./mapped wait <&9 >ready & while ! [ -s ready ]; do sleep 0.01; done
until [ -e $TEST_UNDECLARED_OUTPUTS_DIR/covwrap/ledger.json ]; do sleep 0.01; done
./mapped return; echo >&9; wait $!; exit 0`, "TEST_TIMEOUT=1")
	expect(t, "the test", got, result{"exit 0", "", ""})
	l := readLedger(t, filepath.Join(top(cmd), "out", "covwrap", "ledger.json"))
	if l.Outcome != "passed" || l.Covered != 2 || l.Collected != 2 {
		t.Errorf("%+v", l)
	}
	profiles := unpacked(t, cmd)
	goTool(t, profiles, "covdata", "textfmt", "-i=.", "-o=text")
	if text := read(t, filepath.Join(profiles, "text")); !strings.Contains(text, "lib.go:7.19,9.3 1 14\n") {
		t.Errorf("profiles:\n%s", text)
	}
	if trace := tracefileOf(t, cmd); !strings.Contains(trace, "#covwrap spawned=3 covered=2 collected=2\nSF:lib/lib.go\n") || !strings.Contains(trace, "DA:7,14\n") {
		t.Errorf("tracefile:\n%s", trace)
	}
}

// TestEndBefore: the launcher ends the test before its time is up, whatever the
// test does about that, and it never counts as passed.
func TestEndBefore(t *testing.T) {
	for name, tc := range map[string]struct{ script, ended string }{
		"dies":    {"exec sleep 60", "signal: terminated"},
		"exits 0": {"trap 'kill $! 2>/dev/null; exit 0' TERM; sleep 60 & wait", "exit 124"},
		"exits 5": {"trap 'kill $! 2>/dev/null; exit 5' TERM; sleep 60 & wait", "exit 5"},
		"says":    {"trap '' TERM; trap 'kill $! 2>/dev/null; exit 7' QUIT; sleep 60 & wait", "exit 7"},
		"ignores": {"trap '' TERM QUIT; while :; do sleep 60; done", "signal: killed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// Seconds, for the script to have set its traps up by then and to
			// answer to SIGTERM before SIGQUIT comes 4 later, and to that before SIGKILL.
			got, cmd := bazelScript(t, tc.script, "TEST_TIMEOUT=18", "COVWRAP_OPTIONS=end_before_timeout=12s")
			expect(t, "ended before its time", got, result{tc.ended, "",
				"covwrap: the test has run for 6s and is ended now, 12s before its time-out (end_before_timeout)\n"})
			if l := readLedger(t, filepath.Join(top(cmd), "out", "covwrap", "ledger.json")); l.Outcome != "timed out" {
				t.Errorf("outcome %q", l.Outcome)
			}
		})
	}
}
