package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// write puts files (name to content) into a new folder and returns their paths
// in the order given.
func write(t *testing.T, files ...[2]string) []string {
	t.Helper()
	dir := t.TempDir()
	var paths []string
	for _, f := range files {
		path := filepath.Join(dir, f[0])
		if err := os.WriteFile(path, []byte(f[1]), 0o666); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

func TestHook(t *testing.T) {
	internal := [2]string{"a_test.go", "package a\n"}
	external := [2]string{"b_test.go", "// comment\npackage a_test\n\nimport \"testing\"\n"}
	for _, test := range []struct {
		name  string
		files [][2]string
		args  []string
		want  string
	}{
		{"internal", [][2]string{internal, {"a.go", "package a\n"}}, nil, "a"},
		{"external", [][2]string{external}, nil, "a_test"},
		{"external wins", [][2]string{internal, external, {"a.go", "package a\n"}}, nil, "a_test"},
		{"tool in the same folder", [][2]string{internal, {"gen.go", "//go:build ignore\n\npackage main\n"}}, nil, "a"},
		{"other system", [][2]string{internal, {"x_windows_test.go", "package a_test\n"}}, nil, "a"},
		{"that system", [][2]string{internal, {"x_windows_test.go", "package a_test\n"}}, []string{"-goos=windows"}, "a_test"},
		{"tag off", [][2]string{internal, {"x_test.go", "//go:build e2e\n\npackage a_test\n"}}, nil, "a"},
		{"tag on", [][2]string{internal, {"x_test.go", "//go:build e2e\n\npackage a_test\n"}}, []string{"-tags=x,e2e"}, "a_test"},
		{"cgo", [][2]string{{"c_test.go", "package c_test\n\nimport \"C\"\n"}}, nil, "c_test"},
		{"not only Go", [][2]string{{"a.s", ""}, internal}, nil, "a"},
		{"syntax error after the clause", [][2]string{{"a_test.go", "package a\n\nfunc {"}}, nil, "a"},
	} {
		t.Run(test.name, func(t *testing.T) {
			template := write(t, [2]string{"t", "package {package} // {other}\n"})[0]
			out := filepath.Join(t.TempDir(), "hook.go")
			args := append([]string{"-o", out, "-template", template, "-goos", "linux", "-goarch", "amd64"}, test.args...)
			var stderr strings.Builder
			if status := run(append(args, write(t, test.files...)...), &stderr); status != 0 || stderr.Len() != 0 {
				t.Fatalf("exit status %d, stderr %q; want 0 and nothing", status, stderr.String())
			}
			got, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			if want := "package " + test.want + " // {other}\n"; string(got) != want {
				t.Errorf("wrote %q, want %q", got, want)
			}
		})
	}
}

func TestHookErrors(t *testing.T) {
	template := write(t, [2]string{"t", "package {package}\n"})[0]
	other := write(t, [2]string{"x_windows_test.go", "package a\n"})
	broken := write(t, [2]string{"a_test.go", "pack age a\n"})
	out := filepath.Join(t.TempDir(), "hook.go")
	for _, test := range []struct {
		name string
		args []string
		want string
	}{
		{"nothing for this platform", append([]string{"-o", out, "-template", template, "-goos=linux", "-goarch=amd64"}, other...),
			"testhook: no Go file among the test's srcs and embed belongs to this platform: add one, or set target_compatible_with\n"},
		{"no package clause", append([]string{"-o", out, "-template", template, "-goos=linux", "-goarch=amd64"}, broken...),
			broken[0] + ":1:1: expected 'package', found pack"},
		{"no template", []string{"-o", out, "-template", out},
			"testhook: open " + out + ": no such file or directory\n"},
		{"unknown flag", []string{"-x"}, "flag provided but not defined: -x"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var stderr strings.Builder
			if status := run(test.args, &stderr); status != 1 || !strings.Contains(stderr.String(), test.want) {
				t.Errorf("exit status %d, stderr %q; want 1 and %q", status, stderr.String(), test.want)
			}
			if _, err := os.Stat(out); !os.IsNotExist(err) {
				t.Errorf("%s was written although there was an error (%v)", out, err)
			}
		})
	}
}
