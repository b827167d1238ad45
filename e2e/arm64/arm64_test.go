//go:build linux

// Package arm64 runs covwrap's runtime on an emulated arm64.
package arm64

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/covwrap/covwrap/e2e/debian"
)

// qemu emulates single processes.
var qemu = debian.Recipe{Name: "qemu", Version: 1, Packages: "qemu-user", Size: "0.5 GB"}

// emulatorVariable is there in the process in whose namespaces the kernel runs
// programs for arm64, and names the emulator.
const emulatorVariable = "COVWRAP_E2E_EMULATOR"

func TestMain(m *testing.M) {
	emulator := os.Getenv(emulatorVariable)
	var err error
	if emulator == "" {
		var root string
		if _, root, err = debian.Install(qemu, func(what string) { fmt.Fprintln(os.Stderr, what) }); err == nil {
			os.Exit(again(filepath.Join(root, "usr", "bin", "qemu-aarch64")))
		}
	} else {
		err = register(emulator)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e/arm64: no emulator:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// again runs these tests again, as root of a user namespace that has all users.
func again(emulator string) int {
	emulator, err := filepath.EvalSymlinks(emulator)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), emulatorVariable+"="+emulator)
	all := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1<<32 - 1}}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: all, GidMappings: all, GidMappingsEnableSetgroups: true,
	}
	err = cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return cmd.ProcessState.ExitCode()
}

// register tells the kernel, for this user namespace, by what it is to run
// executables for arm64: the first 20 bytes of their ELF header tell. F opens
// the emulator now, P passes the program its own name.
func register(emulator string) error {
	const folder = "/proc/sys/fs/binfmt_misc"
	if err := syscall.Mount("none", folder, "binfmt_misc", 0, ""); err != nil {
		return fmt.Errorf("mount %s: %w (Linux before 6.7?)", folder, err)
	}
	rule := `:covwrap-arm64:M::\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00` +
		`:\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:` + emulator + ":FP"
	return os.WriteFile(filepath.Join(folder, "register"), []byte(rule), 0)
}

// arm64 are the variables for the go command.
func arm64() []string {
	return append(os.Environ(), "GOFLAGS=", "GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0")
}

// TestUnits runs the unit tests of what is part of a covered program.
func TestUnits(t *testing.T) {
	cmd := exec.Command("go", "test", "-count=1", "-timeout=30m",
		"./embed", "./embed/countermap", "./embed/internal/flush", "./embed/internal/rt", "./embed/internal/signals")
	cmd.Dir, cmd.Env = "../..", arm64()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", cmd, err, out)
	}
}

// TestEnds compares the counts, and what can be seen of the program, for every
// end. The launcher is one for this machine: whose maps it reads does not
// matter to it.
func TestEnds(t *testing.T) {
	dir := t.TempDir()
	covwrap, subject, plain := filepath.Join(dir, "covwrap"), filepath.Join(dir, "subject"), filepath.Join(dir, "plain")
	build(t, os.Environ(), "../..", "go", "build", "-o", covwrap, "./tools/covwrap")
	for _, mode := range []string{"set", "count", "atomic"} {
		build(t, arm64(), ".", covwrap, "go", "build", "-covermode="+mode, "-o", subject+"-"+mode, "./subject")
	}
	build(t, arm64(), ".", "go", "build", "-o", plain, "./subject")
	for _, e := range []struct {
		args   string
		status string
		images int // of the process
	}{
		{"return 7", "exit status 0", 1},
		{"exit 7", "exit status 3", 1},
		{"panic 7", "exit status 2", 1},
		{"raw 7", "exit status 4", 1},
		{"signal 7 15", "signal: terminated", 1},
		{"signal 7 9", "signal: killed", 1},
		{"exec 7", "signal: killed", 2},
	} {
		for _, mode := range []string{"set", "count", "atomic"} {
			t.Run(strings.ReplaceAll(e.args, " ", "-")+"/"+mode, func(t *testing.T) {
				args := strings.Fields(e.args)
				want := run(t, exec.Command(plain, args...))
				if want.status != e.status {
					t.Errorf("without coverage: %+v, want %s", want, e.status)
				}
				out := t.TempDir()
				profile, list := filepath.Join(out, "profile"), filepath.Join(out, "ledger")
				got := run(t, exec.Command(covwrap, append([]string{"run", "--quiet", "--on-missing=ignore",
					"--profile=" + profile, "--json=" + list, "--", subject + "-" + mode}, args...)...))
				if got != want {
					t.Errorf("with covwrap\n%+v\nwithout\n%+v", got, want)
				}
				calls := uint64(7 * e.images)
				if mode == "set" {
					calls = 1
				}
				if n := loop(t, profile); n != calls {
					t.Errorf("the loop ran %d times, want %d", n, calls)
				}
				ledger(t, list, e.images)
			})
		}
	}
}

func build(t *testing.T, env []string, dir string, words ...string) {
	t.Helper()
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Dir, cmd.Env = dir, env
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
}

// result is all that can be seen of a process from outside.
type result struct{ status, stdout, stderr string }

// run runs a program to its end. Panics print no addresses, which differ.
func run(t *testing.T, cmd *exec.Cmd) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.Env = &stdout, &stderr, append(os.Environ(), "GOTRACEBACK=none")
	cmd.WaitDelay = 10 * time.Second // for what it leaves behind when it hangs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(5*time.Minute, func() { t.Errorf("%s hangs", cmd); cmd.Process.Kill() })
	defer timer.Stop()
	cmd.Wait()
	return result{cmd.ProcessState.String(), stdout.String(), stderr.String()}
}

// loop returns the count of the block of the subject that calls step.
func loop(t *testing.T, profile string) uint64 {
	t.Helper()
	source, err := os.ReadFile("subject/main.go")
	if err != nil {
		t.Fatal(err)
	}
	line := 1 + strings.Count(string(source[:bytes.Index(source, []byte("for range n"))]), "\n")
	data, err := os.ReadFile(profile)
	if err != nil {
		t.Fatal(err)
	}
	for text := range strings.Lines(string(data)) {
		// The block that begins at the loop's brace.
		if strings.HasPrefix(text, fmt.Sprintf("example.com/arm64/subject/main.go:%d.14,", line)) {
			n, err := strconv.ParseUint(strings.TrimSpace(text[strings.LastIndexByte(text, ' '):]), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Errorf("no block of the loop in\n%s", data)
	return 0
}

// ledger checks that the counters of all images came from maps.
func ledger(t *testing.T, list string, images int) {
	t.Helper()
	data, err := os.ReadFile(list)
	if err != nil {
		t.Fatal(err)
	}
	var l struct {
		Covered, Collected int
		Children           []struct{ Collected string }
		Trouble            []struct{ Slug, Text string }
	}
	if err := json.Unmarshal(data, &l); err != nil {
		t.Fatal(err)
	}
	maps := 0
	for _, c := range l.Children {
		if c.Collected == "map" {
			maps++
		}
	}
	if l.Covered != images || l.Collected != images || maps != images || len(l.Trouble) > 0 {
		t.Errorf("%+v; want %d maps", l, images)
	}
}
