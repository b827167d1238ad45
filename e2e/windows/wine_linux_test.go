package windows

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/covwrap/covwrap/e2e/debian"
)

// wine is Wine 10, the first that has what Go's runtime asks Windows for. The
// 32-bit half, and the drivers of screens, are left out.
var wine = debian.Recipe{
	Name: "wine", Version: 1, Packages: "wine64", Size: "2 GB",
	Without: []string{"/usr/lib/x86_64-linux-gnu/wine/i386-windows/*", "*/winewayland.*", "*/winex11.*"},
}

// outcome is a line of `go test -v`.
var outcome = regexp.MustCompile(`^ *--- (PASS|FAIL|SKIP): (\S+) \(`)

// TestUnderWine runs this package's tests for Windows under Wine. Each is a test
// below this one.
func TestUnderWine(t *testing.T) {
	dir, root, err := debian.Install(wine, func(what string) { fmt.Fprintln(os.Stderr, what) })
	if err != nil {
		t.Fatal("no Wine: ", err)
	}
	// Two Wines in one prefix would write the same registry.
	unlock, err := debian.Lock(filepath.Join(dir, "prefix"))
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	programs := t.TempDir()
	if err := build(programs); err != nil {
		t.Fatal(err)
	}
	tests := filepath.Join(programs, "tests.exe")
	compile := exec.Command("go", "test", "-c", "-o", tests, ".")
	compile.Env = append(os.Environ(), "GOFLAGS=", "GOOS=windows", "GOARCH=amd64", "CGO_ENABLED=0")
	if out, err := compile.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", compile, err, out)
	}
	prefix := filepath.Join(dir, "prefix", "wine")
	// Made by the first start, which takes a while; its words are about that.
	if out, err := inWine(t, root, prefix, programs, "wineboot", "--init").CombinedOutput(); err != nil {
		t.Fatalf("wineboot: %v\n%s", err, out)
	}
	cmd := inWine(t, root, prefix, programs, `Z:\tmp\programs\tests.exe`, "-test.v", "-test.timeout=20m")
	var stdout bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, os.Stderr
	err = cmd.Run()
	ran, failed := 0, false
	for line := range strings.Lines(stdout.String()) {
		m := outcome.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		ran++
		failed = failed || m[1] == "FAIL"
		t.Run(strings.ReplaceAll(m[2], "/", "_"), func(t *testing.T) {
			switch m[1] {
			case "FAIL":
				t.Fail()
			case "SKIP":
				t.SkipNow()
			}
		})
	}
	if err != nil || failed || ran == 0 {
		t.Errorf("%d tests, %v:\n%s", ran, err, stdout.String())
	}
}

// inWine returns a command that runs a Windows program in namespaces of its own,
// which nothing of Wine survives. It sees the programs and this folder as
// Z:\tmp\programs and Z:\tmp\windows.
func inWine(t *testing.T, root, prefix, programs string, words ...string) *exec.Cmd {
	t.Helper()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(prefix, 0o777); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 25*time.Minute)
	t.Cleanup(cancel)
	return exec.CommandContext(ctx, "bwrap", append([]string{
		"--unshare-pid", "--unshare-ipc", "--unshare-net", "--die-with-parent", "--new-session",
		"--ro-bind", root, "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp", "--tmpfs", "/run",
		"--bind", prefix, "/tmp/prefix", "--ro-bind", here, "/tmp/windows", "--ro-bind", programs, "/tmp/programs",
		"--chdir", "/tmp/windows", "--clearenv",
		"--setenv", "PATH", "/usr/bin:/bin", "--setenv", "HOME", "/tmp", "--setenv", "XDG_RUNTIME_DIR", "/run",
		"--setenv", "WINEPREFIX", "/tmp/prefix", "--setenv", "WINEDEBUG", "-all", "--setenv", "WINEDLLOVERRIDES", "mscoree,mshtml=",
		"--setenv", programsVariable, `Z:\tmp\programs`,
		"--", "wine64"}, words...)...)
}
