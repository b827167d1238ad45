//go:build linux

package plain

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const modulePath = "github.com/covwrap/covwrap"

// published makes what the README's "go install" finds: a git repository with
// the files of this one as they are now, and returns the variables by which the go
// command takes it for the one on the net and makes the module from it by
// itself, in a module cache of its own. What that module lacks (nested modules,
// files that git does not have) is then really not there.
func published(t *testing.T) (env []string) {
	t.Helper()
	source, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	repo, cache := folder(t), folder(t)
	t.Cleanup(func() { removeAll(cache) })
	for _, name := range strings.Split(strings.TrimSuffix(must(t, source, nil, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"), "\x00"), "\x00") {
		info, err := os.Stat(filepath.Join(source, name))
		if os.IsNotExist(err) {
			continue // removed, and the removal not committed yet
		}
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(repo, name)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, []byte(read(t, filepath.Join(source, name))), info.Mode().Perm()); err != nil {
			t.Fatal(err)
		}
	}
	git := []string{"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1"}
	must(t, repo, git, "git", "init", "-q")
	must(t, repo, git, "git", "add", "-A", "-f")
	must(t, repo, git, "git", "-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "-q", "-m", "as it is")

	// Everything else comes from where it always comes from, or has come from before.
	downloaded := strings.TrimSpace(must(t, repo, nil, "go", "env", "GOMODCACHE")) + "/cache/download"
	proxy := strings.TrimSpace(must(t, repo, nil, "go", "env", "GOPROXY"))
	return append(git,
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=url.file://"+repo+".insteadOf", "GIT_CONFIG_VALUE_0=https://"+modulePath,
		"GONOPROXY="+modulePath, "GONOSUMDB="+modulePath, "GOVCS=*:all", "GOPROXY=file://"+downloaded+","+proxy, "GOMODCACHE="+cache)
}

// readme returns the first indented block of README.md below a heading.
func readme(t *testing.T, heading string) string {
	t.Helper()
	_, text, ok := strings.Cut(read(t, "../../README.md"), "\n### "+heading+"\n")
	if !ok {
		t.Fatalf("README.md has no heading %q", heading)
	}
	var block []string
	for line := range strings.Lines(text) {
		code, ok := strings.CutPrefix(line, "    ")
		if ok {
			block = append(block, code)
		} else if len(block) > 0 || strings.HasPrefix(line, "#") {
			break
		}
	}
	if len(block) == 0 || len(block) > 10 {
		t.Fatalf("the block below %q has %d lines", heading, len(block))
	}
	return strings.Join(block, "")
}

// TestREADME runs the README's lines for plain Go as they stand there, in a
// project that they fit: covwrap is installed by the go command from nothing but
// the module that others would get, and has all that it needs.
func TestREADME(t *testing.T) {
	env := published(t)
	dir, bin := folder(t), folder(t)
	write(t, dir, map[string]string{
		"go.mod":             "module example.com/m\n\ngo 1.24\n",
		"cmd/server/main.go": endless,
		"integration.sh":     "#!/bin/sh\n./server\n[ $? = 137 ]\n",
		"m_test.go": `package m

import (
	"os/exec"
	"testing"
)

func TestServer(t *testing.T) {
	if err := exec.Command("./server").Run(); err == nil || err.Error() != "signal: killed" {
		t.Fatal(err)
	}
}
`,
	})
	env = append(env, "GOBIN="+bin, "PATH="+bin+":"+os.Getenv("PATH"))
	must(t, dir, env, "sh", "-ec", readme(t, "Without Bazel"))
	if got := must(t, dir, env, filepath.Join(bin, "covwrap"), "version"); !strings.HasPrefix(got, "covwrap v0.") {
		t.Errorf("covwrap version: %q", got)
	}

	const wantTracefile = `#covwrap spawned=2 covered=1 collected=1
SF:cmd/server/main.go
FN:8,work
FN:15,main
FNDA:1,work
FNDA:1,main
FNF:2
FNH:2
DA:8,1
DA:9,1
DA:10,1
DA:11,1
DA:12,1
DA:15,1
DA:16,1
DA:17,1
DA:18,1
LF:9
LH:9
end_of_record
`
	if got := read(t, filepath.Join(dir, "lcov.info")); got != wantTracefile {
		t.Errorf("lcov.info:\n%swant:\n%s", got, wantTracefile)
	}
	const wantProfile = `mode: set
example.com/m/cmd/server/main.go:8.22,9.15 1 1
example.com/m/cmd/server/main.go:9.15,11.3 1 1
example.com/m/cmd/server/main.go:12.2,12.14 1 1
example.com/m/cmd/server/main.go:15.13,16.16 1 1
example.com/m/cmd/server/main.go:16.16,18.3 1 1
`
	if got := read(t, filepath.Join(dir, "c.out")); got != wantProfile {
		t.Errorf("c.out:\n%swant:\n%s", got, wantProfile)
	}
}
