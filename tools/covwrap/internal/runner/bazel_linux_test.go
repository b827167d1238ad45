package runner_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
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
