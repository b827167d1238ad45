package scrub

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

func TestScrub(t *testing.T) {
	env := map[string]string{
		"TEST_TMPDIR":  "/b/sandbox/7/execroot/_main/_tmp/abc/",
		"TEST_SRCDIR":  "/b/sandbox/7/execroot/_main/bazel-out/k8/bin/x_test.runfiles",
		"COVERAGE_DIR": "relative/is/not/replaced",
		"EMPTY":        "",
		"ROOT":         "/",
	}
	s := New(func(n string) string { return env[n] }, "TEST_TMPDIR", "TEST_SRCDIR", "COVERAGE_DIR", "EMPTY", "ROOT", "UNSET")
	s.Add("/tmp/.covwrap.1", "$COVWRAP_DIR")
	for in, want := range map[string]string{
		"":                                     "",
		"/":                                    "/",
		"text":                                 "text",
		"/b/sandbox/7/execroot/_main/_tmp/abc": "$TEST_TMPDIR",
		"--db=/b/sandbox/7/execroot/_main/_tmp/abc/x.db,ro":                    "--db=$TEST_TMPDIR/x.db,ro",
		"/b/sandbox/7/execroot/_main/_tmp/abcd/x":                              "/b/sandbox/7/execroot/_main/_tmp/abcd/x",
		"/b/sandbox/7/execroot/_main/bazel-out/k8/bin/x_test.runfiles/_main/a": "$TEST_SRCDIR/_main/a",
		"/home/u/.cache/bazel/_bazel_u/1a/execroot/_main/bazel-out/k8/bin/srv": "bazel-out/k8/bin/srv",
		"run /w1/root/bazel-out/k8/bin/a and /w1/root/bazel-out/k8/bin/b":      "run bazel-out/k8/bin/a and bazel-out/k8/bin/b",
		"bazel-out/k8/bin/a":              "bazel-out/k8/bin/a",
		"x/bazel-out/k8/bin/a":            "x/bazel-out/k8/bin/a",
		"/tmp/.covwrap.1/covmap.1.2: bad": "$COVWRAP_DIR/covmap.1.2: bad",
		"/tmp/.covwrap.1,/tmp/.covwrap.1": "$COVWRAP_DIR,$COVWRAP_DIR",
		"/var/tmp/.covwrap.1":             "/var/tmp/.covwrap.1",
		"/usr/bin/true":                   "/usr/bin/true",
	} {
		if got := s.String(in); got != want {
			t.Errorf("String(%q) = %q, want %q", in, got, want)
		}
	}
	if got, want := s.Strings([]string{"a", "/tmp/.covwrap.1"}), []string{"a", "$COVWRAP_DIR"}; !reflect.DeepEqual(got, want) {
		t.Errorf("Strings: %q, want %q", got, want)
	}
	var none *Scrubber
	if got := none.String("/tmp/x"); got != "/tmp/x" {
		t.Errorf("no scrubber: %q", got)
	}
}

func FuzzScrub(f *testing.F) {
	s := New(func(string) string { return "/a/b" }, "X")
	f.Add("/a/b/c /x/bazel-out/y")
	f.Fuzz(func(t *testing.T, in string) { s.String(in) })
}

// TestExecutable: a runfile has one name, whether it is a link or a file.
func TestExecutable(t *testing.T) {
	runfiles := filepath.Join(t.TempDir(), "x_test.runfiles")
	for _, name := range []string{"_main/srv_/srv", "dep+/tool"} {
		path := filepath.Join(runfiles, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, nil, 0o777)); err != nil {
			t.Fatal(err)
		}
	}
	get := func(name string) string {
		return map[string]string{"TEST_SRCDIR": runfiles, "TEST_WORKSPACE": "_main"}[name]
	}
	for path, want := range map[string]string{
		runfiles + "/_main/srv_/srv":                  "$TEST_SRCDIR/_main/srv_/srv",
		"/x/execroot/_main/bazel-out/k8/bin/srv_/srv": "$TEST_SRCDIR/_main/srv_/srv",
		"/x/bazel-out/k8-opt/bin/external/dep+/tool":  "$TEST_SRCDIR/dep+/tool",
		"/x/bazel-out/k8/bin/other":                   "bazel-out/k8/bin/other",
		"/x/bazel-out/k8/genfiles/srv_/srv":           "bazel-out/k8/genfiles/srv_/srv",
		"/usr/bin/env":                                "/usr/bin/env",
	} {
		if got := New(get, "TEST_SRCDIR").Executable(path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	// One that starts itself again has its own name as the kernel tells it.
	argv, want := []string{"/x/bazel-out/k8/bin/srv_/srv", "--self"}, []string{"$TEST_SRCDIR/_main/srv_/srv", "--self"}
	if got := New(get, "TEST_SRCDIR").Strings(argv); !reflect.DeepEqual(got, want) {
		t.Errorf("Strings: %q, want %q", got, want)
	}
	if got := (*Scrubber)(nil).Executable("/x"); got != "/x" {
		t.Errorf("without a scrubber: %s", got)
	}
}

// TestRootIsSlash: a remote worker may make the execution root its "/", and
// then has paths with two slashes.
func TestRootIsSlash(t *testing.T) {
	s := New(func(string) string { return "//bazel-out/k8/bin/x_test.runfiles" }, "TEST_SRCDIR")
	for in, want := range map[string]string{
		"/bazel-out/k8/bin/x_test.runfiles/_main/a":  "$TEST_SRCDIR/_main/a",
		"//bazel-out/k8/bin/x_test.runfiles/_main/a": "$TEST_SRCDIR/_main/a",
		"/bazel-out/k8/bin/other":                    "bazel-out/k8/bin/other",
	} {
		if got := s.String(in); got != want {
			t.Errorf("String(%q) = %q, want %q", in, got, want)
		}
	}
}
