package carrier

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
)

var two = Files{
	"src/internal/coverage/cfile/x.go":  []byte("package cfile\n"),
	"src/internal/coverage/rtcov/x.go":  []byte("package rtcov\n"),
	"src/internal/coverage/cfile/y_a.s": nil,
}

// read returns what the overlay file maps names of GOROOT to, as contents.
func read(t *testing.T, file string) map[string]string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var o Overlay
	if err := json.Unmarshal(data, &o); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for from, to := range o.Replace {
		if to == "" {
			got[from] = "(deleted)"
			continue
		}
		data, err := os.ReadFile(to)
		if err != nil {
			t.Fatal(err)
		}
		got[from] = string(data)
	}
	return got
}

func TestPrepare(t *testing.T) {
	cache := t.TempDir()
	file, err := Prepare(cache, "/goroot", "go1.99", two, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"/goroot/src/internal/coverage/cfile/x.go":  "package cfile\n",
		"/goroot/src/internal/coverage/rtcov/x.go":  "package rtcov\n",
		"/goroot/src/internal/coverage/cfile/y_a.s": "",
	}
	if got := read(t, file); !reflect.DeepEqual(got, want) {
		t.Errorf("overlay: %q, want %q", got, want)
	}
	if again, err := Prepare(cache, "/goroot", "go1.99", two, nil); again != file || err != nil {
		t.Errorf("prepared again: %q, %v; want %q", again, err, file)
	}
	for what, prepare := range map[string]func() (string, error){
		"GOROOT":  func() (string, error) { return Prepare(cache, "/other", "go1.99", two, nil) },
		"version": func() (string, error) { return Prepare(cache, "/goroot", "go1.98", two, nil) },
		"content": func() (string, error) {
			return Prepare(cache, "/goroot", "go1.99", Files{"src/internal/coverage/cfile/x.go": []byte("package cfile // changed\n")}, nil)
		},
		"user overlay": func() (string, error) {
			return Prepare(cache, "/goroot", "go1.99", two, &Overlay{Replace: map[string]string{"/a": ""}})
		},
	} {
		if other, err := prepare(); other == file || err != nil {
			t.Errorf("another %s: %q, %v; want another file than before", what, other, err)
		}
	}
	if _, err := Prepare(cache, "/goroot", "go1.99", nil, nil); err == nil {
		t.Error("an overlay without a runtime was made")
	}
}

// TestUserOverlay: the user's replacements and deletions stay, made absolute;
// for the file that is ours, ours wins.
func TestUserOverlay(t *testing.T) {
	dir := t.TempDir()
	for name, data := range map[string]string{
		"new.go": "package new\n",
		"o.json": `{"Replace": {"a.go": "new.go", "/abs/b.go": "", "/goroot/src/internal/coverage/cfile/x.go": "new.go"}}`,
		"bad":    `{"Replace": [`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	user, err := Read("o.json", dir)
	if err != nil {
		t.Fatal(err)
	}
	file, err := Prepare(t.TempDir(), "/goroot", "go1.99", Files{"src/internal/coverage/cfile/x.go": []byte("ours\n")}, user)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		filepath.Join(dir, "a.go"):                 "package new\n",
		"/abs/b.go":                                "(deleted)",
		"/goroot/src/internal/coverage/cfile/x.go": "ours\n",
	}
	if got := read(t, file); !reflect.DeepEqual(got, want) {
		t.Errorf("merged overlay: %q, want %q", got, want)
	}
	// What was merged once can be merged again ("covwrap env" run twice).
	merged, err := Read(file, "/nowhere")
	if err != nil {
		t.Fatal(err)
	}
	again, err := Prepare(t.TempDir(), "/goroot", "go1.99", Files{"src/internal/coverage/cfile/x.go": []byte("ours\n")}, merged)
	if err != nil {
		t.Fatal(err)
	}
	if got := read(t, again); !reflect.DeepEqual(got, want) {
		t.Errorf("merged twice: %q, want %q", got, want)
	}
	if _, err := Read("bad", dir); err == nil || !strings.Contains(err.Error(), filepath.Join(dir, "bad")) {
		t.Errorf("broken overlay: %v; want an error that names the file", err)
	}
}

// TestConcurrentAndDamaged: many callers at once get one folder with whole
// files, also when a cleaner took or truncated some before.
func TestConcurrentAndDamaged(t *testing.T) {
	cache := t.TempDir()
	file, err := Prepare(cache, "/goroot", "go1.99", two, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := read(t, file)
	entries, err := os.ReadDir(filepath.Dir(file))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if err := os.Remove(filepath.Join(filepath.Dir(file), e.Name())); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range 8 {
			wg.Add(1)
			go func() {
				defer wg.Done()
				if got, err := Prepare(cache, "/goroot", "go1.99", two, nil); got != file || err != nil {
					t.Errorf("without %s: %q, %v; want %q", e.Name(), got, err, file)
				}
			}()
		}
		wg.Wait()
		if got := read(t, file); !reflect.DeepEqual(got, want) {
			t.Errorf("without %s: %q, want %q", e.Name(), got, want)
		}
	}
	left, err := filepath.Glob(filepath.Join(cache, "overlay", ".tmp-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left over: %q, %v", left, err)
	}
}

// TestUnwritable: the message says what to set.
func TestUnwritable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := Prepare(file, "/goroot", "go1.99", two, nil)
	if err == nil || !strings.Contains(err.Error(), "XDG_CACHE_HOME") || !strings.Contains(err.Error(), file) {
		t.Errorf("got %v, want an error that names %s and XDG_CACHE_HOME", err, file)
	}
}

// TestGoTakesIt: the real go command builds with a merged overlay: a file that
// is added to a package of GOROOT (flag, since main can import it) and one of
// the user's, together.
func TestGoTakesIt(t *testing.T) {
	dir := t.TempDir()
	for name, data := range map[string]string{
		"go.mod":  "module m\n\ngo 1.24\n",
		"main.go": "package main\n\nimport \"flag\"\n\nfunc main() { print(text + flag.Covwrap) }\n",
		"text":    "package main\n\nconst text = \"user \"\n",
		"o.json":  `{"Replace": {"text.go": "text"}}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	goroot := strings.TrimSpace(string(root))
	user, err := Read("o.json", dir)
	if err != nil {
		t.Fatal(err)
	}
	file, err := Prepare(t.TempDir(), goroot, "go1.99", Files{"src/flag/covwrap.go": []byte("package flag\n\nconst Covwrap = \"ours\"\n")}, user)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "run", "-overlay="+file, ".")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil || string(out) != "user ours" {
		t.Errorf("go run: %v, %q; want \"user ours\"", err, out)
	}
}
