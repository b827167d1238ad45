package runner_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// none is what "covwrap run" says after one process, which had no counters.
const none = "covwrap: warning: no program was built for coverage; build with \"covwrap go build\", or after eval \"$(covwrap env)\" [nothing-covered]\n" +
	"covwrap: spawned 1, covered 0, collected 0\n"

// TestStatus: the launcher ends as the command ended.
func TestStatus(t *testing.T) {
	for script, want := range map[string]string{
		"exit 0":        "exit 0",
		"exit 3":        "exit 3",
		"exit 255":      "exit 255",
		"kill -TERM $$": "signal: terminated",
		"kill -KILL $$": "signal: killed",
		"kill -QUIT $$": "signal: quit",
		"kill -SEGV $$": "signal: segmentation fault",
		"kill -ABRT $$": "signal: aborted",
		"kill -INT $$":  "signal: interrupt",
		"kill -PIPE $$": "signal: broken pipe",
		"kill -TRAP $$": "signal: trace/breakpoint trap",
		"kill -URG $$":  "exit 0", // ignored by default
	} {
		cmd := covwrap(t, "run", "--", "sh", "-c", script)
		expect(t, script, run(t, cmd), result{want, "", none})
		if core, _ := filepath.Glob(filepath.Join(cmd.Dir, "core*")); core != nil {
			t.Errorf("%s: the launcher left %v", script, core)
		}
	}
}

func TestCannotStart(t *testing.T) {
	cmd := covwrap(t, "run", "no-such-command")
	expect(t, "not found", run(t, cmd), result{"exit 127", "", "covwrap run: cannot run no-such-command: exec: \"no-such-command\": executable file not found in $PATH\n"})
	cmd = covwrap(t, "run", "./script")
	write(t, filepath.Join(cmd.Dir, "script"), "#!/bin/sh\n")
	expect(t, "not executable", run(t, cmd), result{"exit 126", "", "covwrap run: cannot run ./script: exec: \"./script\": permission denied\n"})
	cmd = covwrap(t, "run", "./script")
	write(t, filepath.Join(cmd.Dir, "script"), "neither binary nor script")
	if err := os.Chmod(filepath.Join(cmd.Dir, "script"), 0o777); err != nil {
		t.Fatal(err)
	}
	expect(t, "no program", run(t, cmd), result{"exit 126", "", "covwrap run: cannot run ./script: exec format error\n"})
}

func TestUsage(t *testing.T) {
	for args, want := range map[string]string{
		"run":                         "covwrap run: a command is missing; \"covwrap run -h\" explains the command\n",
		"run --grace=fast true":       "covwrap run: invalid value \"fast\" for flag -grace: parse error; \"covwrap run -h\" explains the command\n",
		"run --on-missing=maybe true": "covwrap run: --on-missing=\"maybe\" is none of ignore, warn, fail; \"covwrap run -h\" explains the command\n",
	} {
		expect(t, args, run(t, covwrap(t, strings.Fields(args)...)), result{"exit 2", "", want})
	}
	got := run(t, covwrap(t, "run", "-h"))
	if got.status != "exit 0" || got.err != "" || !strings.HasPrefix(got.out, "Usage: covwrap run [FLAGS] [--] COMMAND [ARGUMENTS]\n") || !strings.Contains(got.out, "--lcov=FILE") {
		t.Errorf("covwrap run -h: %+v", got)
	}
}

// TestSurroundings compares what a program sees of itself with and without the
// launcher: open files, group, session, signal dispositions and mask, limits.
func TestSurroundings(t *testing.T) {
	script := `
for fd in 0 1 2 7 8; do readlink /proc/$$/fd/$fd || echo closed; done
read -r pid name state parent group session rest < /proc/$$/stat; echo $group $session
grep '^Sig[BIC]' /proc/self/status
grep -v core /proc/self/limits
cat
umask; nice; pwd
`
	see := func(args ...string) string {
		t.Helper()
		dir := t.TempDir()
		in, err := os.CreateTemp(dir, "in")
		if err != nil {
			t.Fatal(err)
		}
		in.WriteString("input\nwithout newline")
		in.Seek(0, 0)
		cmd := covwrap(t)
		cmd.Args, cmd.Dir = append(cmd.Args, args...), dir
		if args[0] != "run" {
			cmd.Path, cmd.Args = "/bin/sh", args
		}
		// The launcher must hand on files that it knows nothing of.
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		defer w.Close()
		cmd.Stdin, cmd.ExtraFiles = in, []*os.File{nil, nil, nil, nil, r}
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		got := run(t, cmd)
		if got.status != "exit 0" || got.err != "" && got.err != none {
			t.Fatalf("%v: %+v", args, got)
		}
		out := strings.ReplaceAll(got.out, dir, "DIR")
		out = strings.ReplaceAll(out, strings.TrimPrefix(in.Name(), dir), "/in")
		out = strings.ReplaceAll(out, fmt.Sprint(cmd.Process.Pid), "PGID")
		// The pipes have other numbers each time.
		for _, f := range strings.Fields(out) {
			if strings.HasPrefix(f, "pipe:[") {
				out = strings.ReplaceAll(out, f, "pipe")
			}
		}
		return out
	}
	without := see("sh", "-c", script)
	with := see("run", "--quiet", "--", "sh", "-c", script)
	if with != without {
		t.Errorf("with the launcher:\n%s\nwithout:\n%s", with, without)
	}
	if !strings.Contains(without, "input\nwithout newline") || !strings.Contains(without, "PGID") {
		t.Errorf("the test sees nothing:\n%s", without)
	}
}

// TestEnvironment: what the launcher adds, what it takes away, and that its own
// /proc/<pid>/environ shows the profile directory also when it was started with
// hardly any environment.
func TestEnvironment(t *testing.T) {
	script := `env | grep -e ^COVWRAP -e ^GOCOVERDIR -e ^MINE | sort; tr '\0' '\n' </proc/$PPID/environ | grep -e ^COVWRAP_DIR; ls -A $COVWRAP_DIR; stat -c %a $COVWRAP_DIR $COVWRAP_DIR/discard`
	for name, tc := range map[string]struct {
		env []string
		own string // GOCOVERDIR
	}{
		"usual":             {env: []string{"MINE=1", "PADDING=" + strings.Repeat("x", 500)}},
		"tiny":              {env: []string{"MINE=1"}},
		"own GOCOVERDIR":    {env: []string{"MINE=1", "GOCOVERDIR=/own"}, own: "/own"},
		"empty GOCOVERDIR":  {env: []string{"MINE=1", "GOCOVERDIR="}},
		"a run within":      {env: []string{"MINE=1", "COVWRAP_DIR=/outer", "COVWRAP_STAGE=1:/outer"}},
		"left-over options": {env: []string{"MINE=1", "COVWRAP_OPTIONS=grace=1s"}},
	} {
		cmd := covwrap(t, "run", "--quiet", "--", "/bin/sh", "-c", script)
		tmp := t.TempDir()
		cmd.Env = append([]string{asCovwrap + "=1", "PATH=" + os.Getenv("PATH"), "TMPDIR=" + tmp}, tc.env...)
		got := run(t, cmd)
		dir := ""
		if f := strings.Fields(got.out); len(f) > 0 {
			dir = strings.TrimPrefix(f[0], "COVWRAP_DIR=")
		}
		if filepath.Dir(dir) != tmp {
			t.Errorf("%s: the profile directory %q is not in %q", name, dir, tmp)
		}
		gocoverdir := dir
		if tc.own != "" {
			gocoverdir = tc.own
		}
		want := fmt.Sprintf("COVWRAP_DIR=%s\nGOCOVERDIR=%s\nMINE=1\nCOVWRAP_DIR=%s\ncovsocket\ndiscard\n1777\n1777\n", dir, gocoverdir, dir)
		expect(t, name, got, result{"exit 0", want, ""})
	}
}

// signalled starts a program under the launcher that says when it is ready,
// calls signal with both process numbers, and returns what came out.
func signalled(t *testing.T, cmd *exec.Cmd, signal func(launcher, test int)) result {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cmd.Stdout = w
	var errs strings.Builder
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	out := bufio.NewReader(r)
	line, err := out.ReadString('\n')
	pid, err2 := strconv.Atoi(strings.TrimSpace(line))
	if err != nil || err2 != nil {
		cmd.Process.Kill()
		cmd.Wait()
		t.Fatalf("the program is not ready: %q %v; %s", line, err, errs.String())
	}
	signal(cmd.Process.Pid, pid)
	var rest strings.Builder
	out.WriteTo(&rest)
	cmd.Wait()
	clean(t, cmd)
	return result{status(cmd.ProcessState), rest.String(), errs.String()}
}

// waiting is a shell program that counts the signals it gets, and after the
// first one waits a little for a second one that should not come.
const waiting = `
exec 2>/dev/null
n=0
for s in TERM INT HUP QUIT USR1 USR2; do trap "n=\$((n+1)); echo got $s" $s; done
echo $$
while [ $n = 0 ]; do sleep 0.02; done
for i in 1 2 3 4 5 6 7 8; do sleep 0.1; done
echo $n signals
exit 7
`

// TestSignals: a signal that reaches the launcher alone is relayed; one that
// reached the whole group is not sent a second time.
func TestSignals(t *testing.T) {
	send := func(s syscall.Signal) func(int, int) {
		return func(launcher, _ int) { syscall.Kill(launcher, s) }
	}
	group := func(s syscall.Signal) func(int, int) {
		return func(launcher, _ int) { syscall.Kill(-launcher, s) }
	}
	for _, tc := range []struct {
		name    string
		bazel   bool
		signal  func(int, int)
		program string
		want    result
	}{
		{"TERM to the launcher", false, send(syscall.SIGTERM), waiting, result{"exit 7", "got TERM\n1 signals\n", ""}},
		{"INT to the launcher", false, send(syscall.SIGINT), waiting, result{"exit 7", "got INT\n1 signals\n", ""}},
		{"HUP to the launcher", false, send(syscall.SIGHUP), waiting, result{"exit 7", "got HUP\n1 signals\n", ""}},
		{"USR1 to the launcher", false, send(syscall.SIGUSR1), waiting, result{"exit 7", "got USR1\n1 signals\n", ""}},
		{"USR2 to the launcher under Bazel", true, send(syscall.SIGUSR2), waiting, result{"exit 7", "got USR2\n1 signals\n", ""}},
		{"TERM to the group under Bazel", true, group(syscall.SIGTERM), waiting, result{"exit 7", "got TERM\n1 signals\n", ""}},
		{"INT to the group under Bazel", true, group(syscall.SIGINT), waiting, result{"exit 7", "got INT\n1 signals\n", ""}},
		{"PIPE to the launcher, then TERM", false, func(l, p int) { syscall.Kill(l, syscall.SIGPIPE); syscall.Kill(l, syscall.SIGTERM) }, waiting, result{"exit 7", "got TERM\n1 signals\n", ""}},
		{"TERM to the test alone", false, func(_, p int) { syscall.Kill(p, syscall.SIGTERM) }, "echo $$; exec sleep 20", result{"signal: terminated", "", ""}},
		{"TERM to the launcher of a test without handler", false, send(syscall.SIGTERM), "echo $$; exec sleep 20", result{"signal: terminated", "", ""}},
		{"TERM to the launcher alone under Bazel, test without handler", true, send(syscall.SIGTERM), "echo $$; exec sleep 20", result{"signal: terminated", "", ""}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			cmd := covwrap(t, "run", "--quiet", "--", "bash", "-c", tc.program)
			if tc.bazel {
				cmd = wrapped(t, tc.program)
			}
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			expect(t, tc.name, signalled(t, cmd, tc.signal), tc.want)
		})
	}
}

// TestIgnored: what is ignored when the launcher starts is ignored in the test.
// Go's runtime passes that on for two signals only; for the others it puts a
// handler of its own in the place of "ignore" before any code of ours runs.
func TestIgnored(t *testing.T) {
	for _, s := range []string{"HUP", "INT"} {
		cmd := covwrap(t, "run")
		cmd.Args = []string{"sh", "-c", "trap '' " + s + `; exec "$0" run --quiet -- grep ^SigIgn /proc/self/status`, self(t)}
		cmd.Path = "/bin/sh"
		want, err := exec.Command("sh", "-c", "trap '' "+s+"; exec grep ^SigIgn /proc/self/status").Output()
		if err != nil {
			t.Fatal(err)
		}
		expect(t, s, run(t, cmd), result{"exit 0", string(want), ""})
	}
}

// TestOrphans: processes that outlive the test get the grace, then SIGTERM,
// then SIGKILL, and none is left.
func TestOrphans(t *testing.T) {
	dir := t.TempDir()
	for name, tc := range map[string]struct {
		grace  string
		script string
		want   string
	}{
		// When the test is gone, which is its parent no more.
		"ends by itself": {"5m", `setsid sh -c 'while kill -0 $0; do sleep 0.02; done 2>/dev/null; echo done >daemon' $$ & :`, "done\n"},
		// wait, unlike a program in the foreground, ends at once when a signal comes.
		"ends on SIGTERM": {"100ms", `exec 2>/dev/null; setsid sh -c 'trap "echo term >daemon; exit" TERM; sleep 600 & echo >ready; wait' & while ! [ -e ready ]; do sleep 0.01; done`,
			"term\n"},
		"ignores SIGTERM": {"100ms", `exec 2>/dev/null; setsid sh -c 'trap "" TERM; echo $$ >daemon; while :; do sleep 0.05; done' & while ! [ -s daemon ]; do sleep 0.01; done`,
			""},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := covwrap(t, "run", "--grace="+tc.grace, "--quiet", "--", "sh", "-c", tc.script+"; echo $$; exit 4")
			cmd.Dir = filepath.Join(dir, strings.ReplaceAll(name, " ", "-"))
			if err := os.Mkdir(cmd.Dir, 0o777); err != nil {
				t.Fatal(err)
			}
			got := run(t, cmd)
			if got.status != "exit 4" || got.err != "" {
				t.Errorf("%+v", got)
			}
			said := read(t, filepath.Join(cmd.Dir, "daemon"))
			if tc.want != "" {
				if said != tc.want {
					t.Errorf("the daemon said %q, want %q", said, tc.want)
				}
				return
			}
			pid, err := strconv.Atoi(strings.TrimSpace(said))
			if err != nil {
				t.Fatal(err)
			}
			if err := syscall.Kill(pid, 0); err != syscall.ESRCH {
				t.Errorf("the daemon %d is still there: %v", pid, err)
			}
		})
	}
}
