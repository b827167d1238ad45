package remote_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"example.com/remote/engine"
)

// client is a Bazel with an output base of its own: a machine of a user.
type client struct {
	t         *testing.T
	workspace string // folder
	base      string // output base
	links     string // folder of its bazel-testlogs and the like
	flags     []string
}

// repository is the folder of the whole repository.
var repository, _ = filepath.Abs("../..")

// local returns a client that executes everything here.
func local(t *testing.T, workspace string) *client {
	return newClient(t, workspace, sharedBase(t, "local", workspace))
}

// remote returns a client that executes everything on the engine. All clients
// of a workspace are one machine: starting Bazel and loading the same BUILD
// files anew takes longer than any test.
func remote(t *testing.T, workspace string, e *engine.Engine) *client {
	return newRemote(t, workspace, sharedBase(t, "remote", workspace), e)
}

// another returns a client on a machine that nothing was built on yet.
func another(t *testing.T, workspace string, e *engine.Engine) *client {
	c := newRemote(t, workspace, t.TempDir(), e)
	t.Cleanup(func() {
		if err := shutdown(workspace, c.base); err != nil {
			t.Error(err)
		}
	})
	return c
}

func newRemote(t *testing.T, workspace, base string, e *engine.Engine) *client {
	c := newClient(t, workspace, base)
	c.flags = append(c.flags,
		"--remote_executor=grpc://"+e.Addr,
		// Not together with a disk cache: of what it finds there Bazel 7 thinks
		// that the engine has it, and waits forever in an upload.
		"--disk_cache=",
		"--remote_retries=5", "--remote_retry_max_delay=1s",
	)
	return c
}

func newClient(t *testing.T, workspace, base string) *client {
	t.Helper()
	c := &client{t: t, workspace: filepath.Join(repository, workspace), base: base, links: t.TempDir()}
	c.flags = []string{"--symlink_prefix=" + c.links + "/", "--color=no", "--curses=no", "--show_progress_rate_limit=60",
		"--incompatible_strict_action_env"}
	return c
}

// bases are the output bases that clients share, by where it is executed and
// the workspace.
var bases = map[[2]string]string{}

func sharedBase(t *testing.T, where, workspace string) string {
	t.Helper()
	key := [2]string{where, workspace}
	if base, ok := bases[key]; ok {
		return base
	}
	if *keep {
		bases[key] = cacheDir(t, where, "workspace "+workspace)
		return bases[key]
	}
	base, err := os.MkdirTemp("", "base")
	if err != nil {
		t.Fatal(err)
	}
	bases[key] = base
	return base
}

// shutdown ends the Bazel server of an output base: each has a gigabyte.
func shutdown(workspace, base string) error {
	cmd := exec.Command(filepath.Join(repository, "bazelw"), "--output_base="+base, "shutdown")
	cmd.Dir = filepath.Join(repository, workspace)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("bazel shutdown: %w\n%s", err, out)
	}
	return nil
}

// cacheDir returns a folder below the user's cache folder.
func cacheDir(t *testing.T, parts ...string) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "covwrap", "engine")
	for _, p := range parts {
		dir = filepath.Join(dir, strings.NewReplacer("/", "_", " ", "_").Replace(p))
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	return dir
}

// command prepares one Bazel command.
func (c *client) command(command string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(repository, "bazelw"), append([]string{"--output_base=" + c.base, command}, args...)...)
	cmd.Dir = c.workspace
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		// What an outer test has put there, an inner Bazel would take for its own.
		if !strings.HasPrefix(name, "TEST_") && !strings.HasPrefix(name, "RUNFILES_") && name != "GOFLAGS" {
			cmd.Env = append(cmd.Env, variable)
		}
	}
	return cmd
}

// clean removes what was built.
func (c *client) clean() {
	c.t.Helper()
	if out, err := c.command("clean").CombinedOutput(); err != nil {
		c.t.Fatalf("bazel clean: %v\n%s", err, out)
	}
}

// build is a finished Bazel command.
type build struct {
	c      *client
	exit   int
	output string // standard output and error
	events string // build event file
	spawns []engine.Spawn
}

// Bazel's exit codes.
const (
	success     = 0
	testsFailed = 3
)

// run runs a command to its end and checks its exit code.
func (c *client) run(want int, command string, args ...string) *build {
	c.t.Helper()
	b, wait := c.start(command, args...)
	wait()
	if b.exit != want {
		c.t.Fatalf("bazel %s %s: exit code %d, want %d\n%s", command, strings.Join(args, " "), b.exit, want, tail(b.output, 60))
	}
	return b
}

// start starts a command; the build is valid when wait has returned.
func (c *client) start(command string, args ...string) (b *build, wait func()) {
	c.t.Helper()
	dir := c.t.TempDir()
	b = &build{c: c, events: filepath.Join(dir, "events")}
	log := filepath.Join(dir, "execution.json")
	all := append(append([]string{}, c.flags...), "--build_event_binary_file="+b.events, "--execution_log_json_file="+log)
	cmd := c.command(command, append(all, args...)...)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	began := time.Now()
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	return b, func() {
		c.t.Helper()
		err := cmd.Wait()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			c.t.Fatal(err)
		}
		b.exit, b.output = cmd.ProcessState.ExitCode(), output.String()
		c.t.Logf("%.1f s: bazel %s %s", time.Since(began).Seconds(), command, strings.Join(args, " "))
		if b.exit != success && b.exit != testsFailed {
			return // nothing was executed, or not all: no log
		}
		if b.spawns, err = engine.ReadExecutionLog(log); err != nil {
			c.t.Fatalf("%v\n%s", err, tail(b.output, 60))
		}
	}
}

// allRemote checks that nothing was executed here, and that something was
// executed there or known there.
func (b *build) allRemote() {
	b.c.t.Helper()
	for _, s := range b.spawns {
		if s.Runner != "remote" && s.Runner != "remote cache hit" {
			b.c.t.Errorf("%s of %s was executed by %q", s.Mnemonic, s.TargetLabel, s.Runner)
		}
	}
	if len(b.spawns) == 0 {
		b.c.t.Error("no action at all")
	}
}

// tests returns how the actions of tests were executed, "LABEL RUNNER" each.
func (b *build) tests() []string {
	var out []string
	for _, s := range b.spawns {
		if s.Mnemonic == "TestRunner" {
			out = append(out, s.TargetLabel+" "+s.Runner)
		}
	}
	return out
}

// log returns the path of a file below bazel-testlogs.
func (c *client) log(path string) string { return filepath.Join(c.links, "testlogs", path) }

// read returns a file below bazel-testlogs, "" if there is none.
func (c *client) read(path string) string {
	c.t.Helper()
	data, err := os.ReadFile(c.log(path))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		c.t.Fatal(err)
	}
	return string(data)
}

// fromZip returns a member of a zip archive.
func fromZip(archive, member string) (string, error) {
	z, err := zip.OpenReader(archive)
	if err != nil {
		return "", err
	}
	defer z.Close()
	f, err := z.Open(member)
	if err != nil {
		return "", fmt.Errorf("%s: %w", archive, err)
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	return string(data), err
}

// tail returns the last n lines of a text.
func tail(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
