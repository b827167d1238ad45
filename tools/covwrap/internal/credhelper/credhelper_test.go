package credhelper

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// script writes an executable shell script and returns its path.
func script(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFind(t *testing.T) {
	s, err := New([]string{"/all", "example.com=/exact", "*.example.com=/wild", "*.b.example.com=/closer"}, "/ws")
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]string{
		"example.com":     "/exact",
		"a.example.com":   "/wild",
		"b.example.com":   "/closer",
		"x.b.example.com": "/closer",
		"A.EXAMPLE.com":   "/wild",
		"other.org":       "/all",
		"notexample.com":  "/all",
	} {
		if got := s.find(host); got != want {
			t.Errorf("find(%q) = %q, want %q", host, got, want)
		}
	}
}

func TestNew(t *testing.T) {
	s, err := New([]string{"%workspace%/tools/helper"}, "/ws")
	if err != nil || s.fallback != "/ws/tools/helper" {
		t.Errorf("got %q, %v", s.fallback, err)
	}
	if s, err := New(nil, ""); err != nil || !s.Empty() {
		t.Errorf("no helpers: %v, %v", s.Empty(), err)
	}
	for spec, want := range map[string]string{
		"":                 "--credential_helper=: the path of the helper is empty",
		"h=":               "--credential_helper=h=: the path of the helper is empty",
		"*=/x":             `--credential_helper=*=/x: "*" is neither a host nor *.DOMAIN`,
		"*.=/x":            `--credential_helper=*.=/x: "*." is neither a host nor *.DOMAIN`,
		"a:1=/x":           `--credential_helper=a:1=/x: "a:1" is neither a host nor *.DOMAIN`,
		"%workspace%/x":    "--credential_helper=%workspace%/x: %workspace% is not known here: give the path itself",
		"no-such-helper-1": `--credential_helper=no-such-helper-1: exec: "no-such-helper-1": executable file not found in $PATH`,
	} {
		if _, err := New([]string{spec}, ""); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %v", spec, err, want)
		}
	}
}

// The answer is kept for half an hour, or until it says that it expires; each
// URI has its own.
func TestExpiry(t *testing.T) {
	dir := t.TempDir()
	count := filepath.Join(dir, "count")
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		name, expires string
		valid         time.Duration
	}{
		{"silent", "", 30 * time.Minute},
		{"soon", `, "expires": "2030-01-01T00:05:00Z"`, 5 * time.Minute},
		{"zone", `, "expires": "2030-01-01T02:00:00+01:00"`, time.Hour},
	} {
		t.Run(tc.name, func(t *testing.T) {
			os.Remove(count)
			helper := script(t, dir, tc.name, fmt.Sprintf("echo x >>%s\necho '{\"headers\": {\"k\": [\"v\"]}%s}'\n", count, tc.expires))
			s, err := New([]string{helper}, "")
			if err != nil {
				t.Fatal(err)
			}
			runs := func() int {
				text, _ := os.ReadFile(count)
				return strings.Count(string(text), "\n")
			}
			for _, step := range []struct {
				at   time.Duration
				uri  string
				runs int
			}{
				{0, "https://h/a", 1}, {tc.valid - 1, "https://h/a", 1}, {tc.valid, "https://h/a", 2}, {0, "https://h/b", 3},
			} {
				s.now = func() time.Time { return now.Add(step.at) }
				got, err := s.Headers(context.Background(), step.uri)
				if err != nil || !reflect.DeepEqual(got, map[string][]string{"k": {"v"}}) {
					t.Fatalf("got %v, %v", got, err)
				}
				if n := runs(); n != step.runs {
					t.Errorf("%s after %v: the helper ran %d times, want %d", step.uri, step.at, n, step.runs)
				}
			}
		})
	}
}

func TestOtherHost(t *testing.T) {
	s, err := New([]string{"h=/no/such/helper"}, "")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.Headers(context.Background(), "https://other/x"); got != nil || err != nil {
		t.Errorf("got %v, %v; want none", got, err)
	}
}

// Secrets that a helper printed never show in an error.
func TestBadAnswer(t *testing.T) {
	dir := t.TempDir()
	for _, tc := range []struct{ name, text, want string }{
		{"garbage", "echo s3cret\necho oops >&2\n", "its answer is not what the protocol wants: invalid character 's' looking for beginning of value; it said: oops"},
		{"type", `echo '{"headers": {"k": "s3cret"}}'`, "its answer is not what the protocol wants: json: cannot unmarshal string into Go struct field .headers of type []string"},
		{"exit", "echo s3cret\nexit 7\n", "exit status 7"},
		{"endless", "exec yes s3cret\n", "no answer within 100ms"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			helper := script(t, dir, tc.name, tc.text)
			s, err := New([]string{helper}, "")
			if err != nil {
				t.Fatal(err)
			}
			want := fmt.Sprintf("credential helper %q for https://h/x: %s", helper, tc.want)
			if tc.name == "endless" {
				s.timeout = 100 * time.Millisecond
			}
			if _, err := s.Headers(context.Background(), "https://h/x"); err == nil || err.Error() != want {
				t.Errorf("got %v\nwant %v", err, want)
			}
		})
	}
}
