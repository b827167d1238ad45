//go:build linux

package proof

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// otherGo are the versions of Go that are tried besides the one on PATH. They
// are fetched by the go command, and so lie in the module cache, where `go build
// -overlay` refuses to replace files (package overlay, Tree).
var otherGo = []string{"go1.24.9", "go1.25.4"}

func TestOtherVersions(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles the standard library several times")
	}
	for _, version := range otherGo {
		cmd := exec.Command("go", "env", "GOROOT")
		cmd.Env = append(os.Environ(), "GOTOOLCHAIN="+version)
		out, err := cmd.Output()
		if err != nil {
			t.Logf("%s is left out, it cannot be fetched: %v", version, err)
			continue
		}
		goroot := strings.TrimSpace(string(out))
		for _, k := range []*kind{
			{name: "tree", carrier: "tree", mode: "atomic"},
			{name: "import", carrier: "import", mode: "count"},
			{name: "pie", carrier: "tree", mode: "count", flags: []string{"-buildmode=pie"}},
			{name: "cgo", carrier: "tree", mode: "count", flags: []string{"-ldflags=-linkmode=external"}, files: []string{"cgo.go"}, env: []string{"CGO_ENABLED=1"}},
			{name: "race", carrier: "tree", mode: "atomic", flags: []string{"-race"}, env: []string{"CGO_ENABLED=1"}},
		} {
			k.name = version + "-" + k.name
			k.goroot = goroot
			t.Run(k.name, func(t *testing.T) {
				bin := k.build(t)
				for _, way := range []string{"kill", "panic", "exit"} {
					dir := profileDir(t)
					got := run(t, dir, bin, way, "7")
					m := one(t, k, dir, way, "7")
					want(t, k, m, 7, 1)
					if m.Go != version {
						t.Errorf("made by %s", m.Go)
					}
					if got.stdout != "21\n" || way != "panic" && got.stderr != "" {
						t.Errorf("%s: %+v", way, got)
					}
					if k.carrier != "import" {
						metaName(t, m)
						if _, err := m.MetaFromExecutable(); err != nil {
							t.Error(err)
						}
					}
				}
			})
		}
	}
}
