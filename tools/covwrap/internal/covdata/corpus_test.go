package covdata

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// update makes the files under testdata anew, with the go command on PATH:
//
//	go test ./tools/covwrap/internal/covdata -run TestUpdate -update
var update = flag.Bool("update", false, "make testdata/{set,count,atomic} anew from testdata/src")

// modes names the folders of the corpus, one per counter mode, each with the
// files of one process and what "go tool covdata textfmt" says of them.
var modes = []string{"set", "count", "atomic"}

// TestUpdate makes the corpus when -update is given.
func TestUpdate(t *testing.T) {
	if !*update {
		t.Skip("only with -update")
	}
	for _, mode := range modes {
		dir := filepath.Join("testdata", mode)
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		exe := filepath.Join(t.TempDir(), "corpus")
		build := exec.Command("go", "build", "-trimpath", "-cover", "-covermode="+mode, "-o", exe, ".")
		build.Dir = filepath.Join("testdata", "src")
		mustRun(t, build)
		prog := exec.Command(exe, "one", "two words")
		prog.Env = append(os.Environ(), "GOCOVERDIR="+dir)
		prog.Args[0] = "corpus"
		mustRun(t, prog)
		mustRun(t, exec.Command("go", "tool", "covdata", "textfmt", "-i="+dir, "-o="+filepath.Join(dir, "textfmt.txt")))
	}
}

func mustRun(t *testing.T, cmd *exec.Cmd) []byte {
	t.Helper()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, out)
	}
	return out
}

// corpus returns the name and content of the only file of a mode's folder with
// the prefix.
func corpus(t testing.TB, mode, prefix string) (string, []byte) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join("testdata", mode, prefix+".*"))
	if err != nil || len(names) != 1 {
		t.Fatalf("testdata/%s has %v, not 1 file %s.* (%v)", mode, names, prefix, err)
	}
	data, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Base(names[0]), data
}

// tool runs "go tool covdata" and returns its output; without a go command on
// PATH, as in Bazel's sandbox, the test is skipped.
func tool(t *testing.T, args ...string) []byte {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("no go command on PATH to compare with")
	}
	return mustRun(t, exec.Command("go", append([]string{"tool", "covdata"}, args...)...))
}

// equalBytes fails the test at the first difference.
func equalBytes(t *testing.T, what string, got, want []byte) {
	t.Helper()
	if bytes.Equal(got, want) {
		return
	}
	n := 0
	for n < len(got) && n < len(want) && got[n] == want[n] {
		n++
	}
	t.Errorf("%s: %d bytes, want %d; first difference at byte %d", what, len(got), len(want), n)
}
