package gocmd

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

// Env is what "go env" says in one folder. The folder matters: go.mod's
// toolchain line, GOTOOLCHAIN and go.work choose another Go version, hence
// another GOROOT, than the go command that was started.
type Env struct {
	GOROOT    string // of the go command that will build, after toolchain selection
	GOVERSION string // "go1.26.8"
	GOFLAGS   string // from the environment or "go env -w"
	GOMOD     string // file name of the main module's go.mod, or os.DevNull, or ""
	GOWORK    string // file name of go.work, "off" or ""
	// GOTOOLCHAIN as the user has set it ("auto", "go1.25.4", ...).
	GOTOOLCHAIN string
	GOMODCACHE,
	GOOS,
	GOARCH string
}

// Tool finds the go command on PATH.
func Tool() (string, error) {
	p, err := exec.LookPath("go")
	if err != nil {
		return "", fmt.Errorf("the go command is not on PATH (%w); install Go 1.24 or newer, or add its bin folder to PATH", err)
	}
	return p, nil
}

// Query asks the go command for its environment in the folder dir ("" for the
// current one), with the process's own environment variables.
func Query(tool, dir string) (Env, error) {
	var e Env
	cmd := exec.Command(tool, "env", "-json", "GOROOT", "GOVERSION", "GOFLAGS", "GOMOD", "GOWORK", "GOMODCACHE", "GOTOOLCHAIN", "GOOS", "GOARCH")
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		return e, fmt.Errorf("%s env: %w%s", tool, err, stderrOf(err))
	}
	if err := json.Unmarshal(out, &e); err != nil {
		return e, fmt.Errorf("%s env -json: %w in %q", tool, err, out)
	}
	if e.GOROOT == "" || e.GOVERSION == "" {
		return e, fmt.Errorf("%s env names no GOROOT or no GOVERSION; is it Go 1.24 or newer?", tool)
	}
	return e, nil
}

// stderrOf returns what a failed command said, to be put after its error.
func stderrOf(err error) string {
	var exit *exec.ExitError
	if !errors.As(err, &exit) || len(exit.Stderr) == 0 {
		return ""
	}
	return ": " + strings.TrimSpace(string(bytes.ToValidUTF8(exit.Stderr, []byte("?"))))
}
