package store

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

const (
	goURL    = "https://go.dev/doc"
	goCode   = "z3aQzp"
	bazelURL = "https://bazel.build"
)

func open(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func add(t *testing.T, s *Store, url string) string {
	t.Helper()
	code, err := s.Add(url)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func TestAddAndGet(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "links"))
	code := add(t, s, goURL)
	if again := add(t, s, goURL); code != goCode || again != goCode {
		t.Errorf("codes are %q and %q, want %q twice", code, again, goCode)
	}
	if url, ok := s.Get(code); url != goURL || !ok {
		t.Errorf("Get(%q) = %q, %v", code, url, ok)
	}
	if url, ok := s.Get("nobody"); url != "" || ok {
		t.Errorf("Get of an unknown code = %q, %v", url, ok)
	}
}

func TestAddRefuses(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "links"))
	for _, url := range []string{"", "go.dev", "ftp://go.dev", "https://", "http://a b"} {
		if code, err := s.Add(url); err == nil {
			t.Errorf("Add(%q) = %q, want an error", url, code)
		}
	}
}

func TestCollisionMakesCodeLonger(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "links"))
	s.links[goCode] = bazelURL
	if code := add(t, s, goURL); len(code) != shortest+1 || code[:shortest] != goCode {
		t.Errorf("code is %q, want one more letter than %q", code, goCode)
	}
}

func TestTornLineIsDropped(t *testing.T) {
	path := filepath.Join(t.TempDir(), "links")
	if err := os.WriteFile(path, []byte(goCode+" "+goURL+"\nABCDEF https://ba"), 0o644); err != nil {
		t.Fatal(err)
	}
	s := open(t, path)
	code := add(t, s, bazelURL)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	codes := open(t, path).Codes()
	want := []string{code, goCode}
	slices.Sort(want)
	if !slices.Equal(codes, want) {
		t.Errorf("codes are %q, want %q", codes, want)
	}
}

func TestBadLineIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "links")
	if err := os.WriteFile(path, []byte("a https://a\nnonsense\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := Open(path)
	if want := path + `:2: "nonsense\n" is not a code, a space and a URL; mend or delete the line`; err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
}
