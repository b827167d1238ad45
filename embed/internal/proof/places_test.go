//go:build linux

package proof

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/covwrap/covwrap/embed/countermap"
)

// TestExecSelf: each image of one process has a map of its own.
func TestExecSelf(t *testing.T) {
	k := kindNamed(t, "count")
	bin := k.build(t)
	dir := profileDir(t)
	got := run(t, dir, bin, "exec-self", "5")
	if wanted := (result{"exit status 0", "10\n6\n3\n1\n0\n", ""}); got != wanted {
		t.Errorf("got %+v, want %+v", got, wanted)
	}
	ms := maps(t, dir)
	if len(ms) != 5 {
		t.Fatalf("%d maps, want 5", len(ms))
	}
	for i, m := range ms {
		want(t, k, m, uint32(5-i), 1)
		if m.PID != ms[0].PID || m.Ticks != ms[0].Ticks || m.Ticks == 0 {
			t.Errorf("image %d: pid %d, started at %d; the first: %d, %d", i, m.PID, m.Ticks, ms[0].PID, ms[0].Ticks)
		}
		exit := countermap.ExitUnknown
		if i == 4 {
			exit = countermap.ExitSuccess
		}
		if m.Exit != exit {
			t.Errorf("image %d noted %d, want %d", i, m.Exit, exit)
		}
	}
}

// TestConcurrent: 200 processes of one binary live at once, and are killed.
func TestConcurrent(t *testing.T) {
	k := kindNamed(t, "count")
	bin := k.build(t)
	dir := profileDir(t)
	const n = 200
	var wg sync.WaitGroup
	gate := make(chan struct{})
	open := sync.OnceFunc(func() { close(gate) })
	for i := range n {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if i == n-1 {
				defer open() // also when it cannot be started
			}
			cmd := exec.Command(bin, "wait", strconv.Itoa(i+1))
			cmd.Env = env(dir)
			if _, err := cmd.StdinPipe(); err != nil {
				t.Error(err)
				return
			}
			stdout, err := cmd.StdoutPipe()
			if err == nil {
				err = cmd.Start()
			}
			if err != nil {
				t.Error(err)
				return
			}
			buf := make([]byte, 100)
			for text := ""; !strings.HasSuffix(text, "ready\n"); {
				n, err := stdout.Read(buf)
				if text += string(buf[:n]); err != nil {
					t.Errorf("child %d said %q: %v", i, text, err)
					break
				}
			}
			if i == n-1 {
				open()
			}
			<-gate // the last one is up before the first one is killed
			cmd.Process.Kill()
			cmd.Wait()
		}()
	}
	wg.Wait()
	seen := map[string]bool{}
	ms := maps(t, dir)
	for _, m := range ms {
		i, err := strconv.Atoi(m.Argv[2])
		if err != nil {
			t.Fatal(err)
		}
		seen[m.Argv[2]] = true
		want(t, k, m, uint32(i), 1)
	}
	if len(ms) != n || len(seen) != n {
		t.Errorf("%d maps of %d children, want %d", len(ms), len(seen), n)
	}
	var others []string
	for _, name := range list(t, dir) {
		if !strings.HasPrefix(name, countermap.FilePrefix) && !strings.HasPrefix(name, "covmeta.") {
			others = append(others, name)
		}
	}
	if len(others) > 0 || len(list(t, dir)) != n+1 {
		t.Errorf("left in the profile directory besides the maps and one covmeta file: %q", others)
	}
}

// TestLive: a map is exact while its process lives.
func TestLive(t *testing.T) {
	k := kindNamed(t, "overlay")
	bin := k.build(t)
	dir := profileDir(t)
	cmd := exec.Command(bin, "wait", "7")
	cmd.Env = env(dir)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	const said = "21\nready\n"
	if _, err := io.ReadFull(stdout, make([]byte, len(said))); err != nil {
		t.Fatal(err)
	}
	m := one(t, k, dir, "wait", "7")
	want(t, k, m, 7, 1)
	if m.PID != cmd.Process.Pid || m.PPID != os.Getpid() || m.UID != os.Geteuid() {
		t.Errorf("pid %d of %d, uid %d; want %d of %d, %d", m.PID, m.PPID, m.UID, cmd.Process.Pid, os.Getpid(), os.Geteuid())
	}
	if m.Exe != bin || m.GOOS != "linux" || !strings.HasPrefix(m.Go, "go1.") {
		t.Errorf("%q, %s, %s; want %q, linux, go1.x", m.Exe, m.GOOS, m.Go, bin)
	}
	// The executable is gone, the process is not: its meta-data can still be read.
	covmeta, err := os.ReadFile(filepath.Join(dir, metaName(t, m)))
	if err != nil {
		t.Fatal(err)
	}
	moved := bin + ".moved"
	if err := os.Rename(bin, moved); err != nil {
		t.Fatal(err)
	}
	live, err := m.MetaFromExecutable()
	if rerr := os.Rename(moved, bin); rerr != nil {
		t.Fatal(rerr)
	}
	if err != nil || !bytes.Equal(live, covmeta) {
		t.Errorf("meta-data of a live process without its executable: %v; %d bytes, want %d", err, len(live), len(covmeta))
	}
	stdin.Close()
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

func metaName(t *testing.T, m *countermap.Map) string {
	t.Helper()
	hash, ok := m.MetaHash()
	if !ok {
		t.Fatal("the map has no meta-data hash")
	}
	return fmt.Sprintf("covmeta.%x", hash)
}

// TestMeta: what the runtime writes, what the reader takes from the executable
// and what Go itself writes are the same bytes, in every kind of binary.
func TestMeta(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			bin := k.build(t)
			stock := t.TempDir()
			cmd := exec.Command(bin, "return", "7")
			cmd.Env = []string{"GOCOVERDIR=" + stock} // no profile directory: as Go does it
			if got := runCmd(t, "", cmd); got.stderr != "" {
				t.Fatal(got)
			}
			names, _ := filepath.Glob(filepath.Join(stock, "covmeta.*"))
			if len(names) != 1 {
				t.Fatalf("Go itself wrote %q", list(t, stock))
			}
			wanted, err := os.ReadFile(names[0])
			if err != nil {
				t.Fatal(err)
			}

			dir := profileDir(t)
			run(t, dir, bin, "kill", "7")
			m := one(t, k, dir, "kill", "7")
			got, err := os.ReadFile(filepath.Join(dir, filepath.Base(names[0])))
			if err != nil || !bytes.Equal(got, wanted) {
				t.Errorf("the profile directory's file: %v; %d bytes, Go's own has %d", err, len(got), len(wanted))
			}
			if ok, err := m.MetaBelongs(wanted); !ok || err != nil {
				t.Errorf("the meta-data does not belong to its own binary: %v, %v", ok, err)
			}
			other := bytes.Clone(wanted)
			other[len(other)-1] ^= 1
			if ok, err := m.MetaBelongs(other); ok || err != nil {
				t.Errorf("foreign meta-data belongs to the binary: %v, %v", ok, err)
			}
			if k.carrier == "import" {
				if _, err := m.MetaFromExecutable(); err == nil {
					t.Error("meta-data without a package table")
				}
				return
			}
			if name := metaName(t, m); name != filepath.Base(names[0]) {
				t.Errorf("the map names %s, Go %s", name, filepath.Base(names[0]))
			}
			if got, err := m.MetaFromExecutable(); err != nil || !bytes.Equal(got, wanted) {
				t.Errorf("meta-data from the executable: %v; %d bytes, Go's own has %d", err, len(got), len(wanted))
			}
		})
	}
}

// TestEmptyEnvironment: a child with no environment at all finds the directory
// of its parent.
func TestEmptyEnvironment(t *testing.T) {
	for _, name := range []string{"count", "pie-import"} {
		k := kindNamed(t, name)
		bin := k.build(t)
		dir := profileDir(t)
		got := run(t, dir, bin, "parent", "7")
		wantErr := ""
		if k.carrier == "import" {
			// Only Go's own code can say this: it has no GOCOVERDIR.
			wantErr = "warning: GOCOVERDIR not set, no coverage data emitted\n"
		}
		if wanted := (result{"exit status 0", "21\n28\nsignal: killed\n", wantErr}); got != wanted {
			t.Errorf("%s: got %+v, want %+v", name, got, wanted)
		}
		ms := maps(t, dir)
		if len(ms) != 2 {
			t.Fatalf("%s: %d maps, want 2", name, len(ms))
		}
		want(t, k, ms[0], 7, 1)
		want(t, k, ms[1], 8, 1)
		if ms[1].PPID != ms[0].PID {
			t.Errorf("%s: parent %d, want %d", name, ms[1].PPID, ms[0].PID)
		}
	}
}

func TestDroppedUser(t *testing.T) {
	requireRoot(t)
	k := kindNamed(t, "atomic")
	bin := k.build(t)
	// Dropped by the program itself, after it has started.
	dir := profileDir(t)
	got := run(t, dir, bin, "setuid", "7")
	if wanted := (result{"signal: killed", "21\n", ""}); got != wanted {
		t.Errorf("got %+v, want %+v", got, wanted)
	}
	want(t, k, one(t, k, dir, "setuid", "7"), 14, 2)

	// Dropped by the parent, before it starts; with a mask that hides files.
	dir = profileDir(t)
	old := syscall.Umask(0o777)
	cmd := exec.Command(bin, "kill", "7")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	got = func() result { defer syscall.Umask(old); return runCmd(t, dir, cmd) }()
	if wanted := (result{"signal: killed", "21\n", ""}); got != wanted {
		t.Errorf("got %+v, want %+v", got, wanted)
	}
	m := one(t, k, dir, "kill", "7")
	want(t, k, m, 7, 1)
	if m.UID != 65534 {
		t.Errorf("uid %d, want 65534", m.UID)
	}
	if info, err := os.Stat(m.Path); err != nil || info.Mode() != 0o666 {
		t.Errorf("%v, mode %v; the launcher may be another user than the child", err, info.Mode())
	}
}

// TestUnseen: descriptors, signal dispositions and environment are those of
// the program without coverage, and so is its size but for the map.
func TestUnseen(t *testing.T) {
	for _, name := range []string{"count", "pie", "cgo-external", "big"} {
		k := kindNamed(t, name)
		bin := k.build(t)
		dir := profileDir(t)
		reference := plain.build(t)
		if k.cgo() {
			reference = plainCgo.build(t)
		}
		got, wanted := run(t, dir, bin, "open", "7"), run(t, dir, reference, "open", "7")
		if got != wanted {
			t.Errorf("%s: got\n%+v\nwithout coverage\n%+v", name, got, wanted)
		}
	}
}

// TestSize: the pad takes neither memory nor, once the program runs, addresses.
func TestSize(t *testing.T) {
	k := kindNamed(t, "count")
	bin := k.build(t)
	size := func(dir, bin string) (kb map[string]int) {
		kb = map[string]int{}
		for _, line := range strings.Split(run(t, dir, bin, "maxrss", "7").stdout, "\n") {
			if f := strings.Fields(line); len(f) == 3 {
				n, err := strconv.Atoi(f[1])
				if err != nil {
					t.Fatal(err)
				}
				kb[f[0]] = n
			}
		}
		if len(kb) != 2 {
			t.Fatalf("no sizes: %v", kb)
		}
		return kb
	}
	with, without := size(profileDir(t), bin), size(t.TempDir(), plain.build(t))
	for what, kb := range with {
		if more := kb - without[what]; more > 4<<10 {
			t.Errorf("%s: %d KB more than without coverage", what, more)
		}
	}
}
