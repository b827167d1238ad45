package windows

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// programsVariable names the folder with the programs, where something else has
// built them.
const programsVariable = "COVWRAP_E2E_PROGRAMS"

// build makes the programs of the tests, for Windows.
func build(dir string) error {
	tool := filepath.Join(dir, "covwrap-host")
	if runtime.GOOS == "windows" {
		tool += ".exe"
	}
	for _, b := range []struct {
		dir     string
		windows bool
		words   []string
	}{
		{"../..", false, []string{"go", "build", "-o", tool, "./tools/covwrap"}},
		{"../..", true, []string{"go", "build", "-o", filepath.Join(dir, "covwrap.exe"), "./tools/covwrap"}},
		{".", true, []string{tool, "go", "build", "-covermode=atomic", "-coverpkg=./subject", "-o", filepath.Join(dir, "subject.exe"), "./subject"}},
		{".", true, []string{"go", "build", "-cover", "-covermode=atomic", "-coverpkg=./subject", "-o", filepath.Join(dir, "stock.exe"), "./subject"}},
		{".", true, []string{"go", "build", "-o", filepath.Join(dir, "plain.exe"), "./subject"}},
	} {
		cmd := exec.Command(b.words[0], b.words[1:]...)
		cmd.Dir = b.dir
		cmd.Env = append(os.Environ(), "GOFLAGS=")
		if b.windows {
			cmd.Env = append(cmd.Env, "GOOS=windows", "GOARCH=amd64", "CGO_ENABLED=0")
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", cmd, err, out)
		}
	}
	return nil
}
