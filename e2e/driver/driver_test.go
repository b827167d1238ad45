package main

import (
	"errors"
	"maps"
	"strings"
	"testing"
)

func TestCommandLine(t *testing.T) {
	for args, want := range map[string]string{
		"nonsense":  "e2e/run: there is no suite \"nonsense\"; e2e/run -h lists them\n",
		"-nonsense": "flag provided but not defined: -nonsense",
		"-h":        "usage: e2e/run [-all]",
		// Tests run in the folder of their package.
		"smoke": "e2e/run: not in the repository's folder: ",
	} {
		var stdout, stderr strings.Builder
		if status := run([]string{args}, &stdout, &stderr); status != 2 || stdout.Len() != 0 || !strings.HasPrefix(stderr.String(), want) {
			t.Errorf("%s: exit status %d, %q, %q; want 2 and %q", args, status, stdout.String(), stderr.String(), want)
		}
	}
}

func TestReport(t *testing.T) {
	for name, test := range map[string]struct {
		run    func(*report)
		last   string
		status int
	}{
		"nothing":  {func(*report) {}, "0 passed, 0 failed\n", 1},
		"passed":   {func(r *report) { r.equal("a", "x", "x") }, "PASS  s/a\n1 passed, 0 failed\n", 0},
		"failed":   {func(r *report) { r.check("a", nil); r.check("b", errors.New("no\nway\n")) }, "PASS  s/a\nFAIL  s/b: no\n      way\nfailed: s/b\n1 passed, 1 failed\n", 1},
		"no tests": {func(r *report) { r.goTests("", nil) }, "FAIL  s/go test: it ran no test\nfailed: s/go test\n0 passed, 1 failed\n", 1},
		"no JSON":  {func(r *report) { r.goTests("FAIL", nil) }, "FAIL  s/go test: the output of go test -json: invalid character 'F' looking for beginning of value\nfailed: s/go test\n0 passed, 1 failed\n", 1},
	} {
		var out strings.Builder
		r := &report{out: &out, suite: "s"}
		test.run(r)
		if status := r.finish(); status != test.status || out.String() != test.last {
			t.Errorf("%s: exit status %d, %q; want %d, %q", name, status, out.String(), test.status, test.last)
		}
	}
}

func TestDifference(t *testing.T) {
	for _, test := range []struct{ got, want, err string }{
		{"a\nb\n", "a\nb\n", ""},
		{"a\nc\n", "a\nb\n", `line 2 is "c\n", want "b\n"`},
		{"a\n", "a\nb\n", `line 2 is "", want "b\n"`},
		{"a\nb\n", "a\n", `line 2 is "b\n", want ""`},
	} {
		err := difference(test.got, test.want)
		if (err == nil) != (test.err == "") || err != nil && !strings.HasPrefix(err.Error(), test.err) {
			t.Errorf("%q and %q: %v, want %q", test.got, test.want, err, test.err)
		}
	}
}

func TestResults(t *testing.T) {
	got := results("Executed 1 out of 2 tests\n" +
		"//a:b_test                 (cached) PASSED in 1.0s\n" +
		"  Stats over 2 runs: max = 0.1s\n" +
		"//c:d_test                           FLAKY, failed in 1 out of 2 in 0.1s\n" +
		"//e:f_test                   FAILED TO BUILD\n" +
		"//g:h_test                           TIMEOUT in 60.0s\n")
	want := map[string]string{"//a:b_test": "PASSED", "//c:d_test": "FLAKY", "//e:f_test": "FAILED", "//g:h_test": "TIMEOUT"}
	if !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestGoTests(t *testing.T) {
	got, err := goTests(strings.NewReader(`{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"no\n"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Output":"FAIL\n"}
{"Action":"fail","Package":"p"}
{"Action":"pass","Package":"q","Test":"TestB"}
{"Action":"pass","Package":"q"}
{"Action":"skip","Package":"without tests"}
{"ImportPath":"r","Action":"build-output","Output":"syntax error\n"}
{"ImportPath":"r","Action":"build-fail"}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"p": "FAIL", "p.TestA": "no", "q": "", "r": "syntax error"}
	if len(got) != len(want) {
		t.Errorf("%v, want %v", got, want)
	}
	for name, text := range want {
		if err, ok := got[name]; !ok || (err == nil) != (text == "") || err != nil && err.Error() != text {
			t.Errorf("%s: %v, want %q", name, err, text)
		}
	}
}

func TestEnvironment(t *testing.T) {
	for _, name := range []string{"TEST_SRCDIR", "RUNFILES_DIR", "COVERAGE_DIR", "COVWRAP_DIR", "GOCOVERDIR", "COVWRAP_BAZEL", "OTHER"} {
		t.Setenv(name, "x")
	}
	kept := map[string]bool{}
	for _, variable := range environment() {
		name, _, _ := strings.Cut(variable, "=")
		kept[name] = true
	}
	for name, want := range map[string]bool{
		"TEST_SRCDIR": false, "RUNFILES_DIR": false, "COVERAGE_DIR": false, "COVWRAP_DIR": false, "GOCOVERDIR": false,
		"COVWRAP_BAZEL": true, "OTHER": true, "PATH": true,
	} {
		if kept[name] != want {
			t.Errorf("%s is kept: %v, want %v", name, kept[name], want)
		}
	}
}
