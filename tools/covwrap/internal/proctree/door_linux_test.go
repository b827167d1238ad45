package proctree

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/covwrap/covwrap/embed/countermap"
)

// visitVariable makes this test binary a process that makes itself known at the
// socket of that path and kills itself.
const visitVariable = "PROCTREE_TEST_VISIT"

// shortVariable makes it say only as many bytes as its value has.
const shortVariable = "PROCTREE_TEST_SHORT"

func TestMain(m *testing.M) {
	if path := os.Getenv(visitVariable); path != "" {
		visit(path)
	}
	os.Exit(m.Run())
}

func visit(path string) {
	// The folder's own path may be too long for an address.
	if err := os.Chdir(filepath.Dir(path)); err != nil {
		panic(err)
	}
	conn, err := net.Dial("unix", filepath.Base(path))
	if err != nil {
		panic(err)
	}
	s, err := readStat(os.Getpid())
	if err != nil {
		panic(err)
	}
	said := countermap.Introduction{PID: uint32(os.Getpid()), PIDNS: namespace("self"), Ticks: s.ticks}
	b := unsafe.Slice((*byte)(unsafe.Pointer(&said)), unsafe.Sizeof(said))
	if short := os.Getenv(shortVariable); short != "" {
		b = b[:len(short)]
	}
	if _, err := conn.Write(b); err != nil {
		panic(err)
	}
	fmt.Println(s.ticks)
	syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

// doorOf returns an observer of a profile directory that looks at nothing by
// itself.
func doorOf(t *testing.T, dir string) *Observer {
	t.Helper()
	o := &Observer{self: os.Getpid(), pidns: namespace("self"), door: openDoor(dir), wake: -1, quit: make(chan struct{}), live: map[int]*watched{}, last: map[int]*Process{}, foreign: map[int]bool{}}
	if !o.subscribe() || o.door.fd < 0 {
		t.Fatal("no socket in the profile directory")
	}
	t.Cleanup(func() {
		o.Stop()
		if _, err := os.Lstat(filepath.Join(dir, countermap.SocketName)); !os.IsNotExist(err) {
			t.Errorf("the socket is left: %v", err)
		}
	})
	return o
}

// visited runs a process that makes itself known, until it has ended and its
// parent, we, has waited for it. It returns its number and when it started.
func visited(t *testing.T, dir string, env ...string) (pid int, ticks uint64) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(env, visitVariable+"="+filepath.Join(dir, countermap.SocketName))
	out, err := cmd.Output()
	if err == nil || err.Error() != "signal: killed" {
		t.Fatalf("%v: %s", err, out)
	}
	if _, err := fmt.Sscan(string(out), &ticks); err != nil {
		t.Fatal(err)
	}
	return cmd.Process.Pid, ticks
}

// Of a process that was gone when the observer first heard of it, it knows how it
// ended, whatever else it knows.
func TestGone(t *testing.T) {
	if !atLeast(6, 16) {
		t.Skip("before Linux 6.16 nobody tells how a process ended that is gone")
	}
	// Longer than the address of a socket.
	dir := filepath.Join(t.TempDir(), strings.Repeat("long", 30))
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		before func(o *Observer, pid int, s stat)
		want   int // processes
	}{
		"not seen":         {func(*Observer, int, stat) {}, 1},
		"seen":             {func(o *Observer, pid int, s stat) { o.see(pid, s, -1) }, 1},
		"seen, and missed": {func(o *Observer, pid int, s stat) { o.see(pid, s, -1); o.bury(o.live[pid]) }, 1},
		"reaped":           {func(o *Observer, pid int, s stat) { o.Reaped(pid, 9) }, 1},
		"another with its number": {func(o *Observer, pid int, s stat) {
			s.ticks--
			o.see(pid, s, -1)
			o.live[pid].Ended = &End{Code: 4}
			o.bury(o.live[pid])
		}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			o := doorOf(t, dir)
			pid, ticks := visited(t, dir)
			c.before(o, pid, stat{ppid: o.self, ticks: ticks, state: 'R', name: "x"})
			o.answer()
			if len(o.all) != c.want {
				t.Fatalf("%d processes, want %d", len(o.all), c.want)
			}
			p := o.all[len(o.all)-1]
			if p.PID != pid || p.Ticks != ticks || p.PIDNS != 0 || p.Ended == nil || p.Ended.Signal != syscall.SIGKILL {
				t.Errorf("%+v, ended %+v", p, p.Ended)
			}
			if len(o.live) != 0 {
				t.Errorf("%d processes live", len(o.live))
			}
		})
	}
	t.Run("too few words", func(t *testing.T) {
		o := doorOf(t, dir)
		visited(t, dir, shortVariable+"=12345678901234567890123")
		if o.answer(); len(o.all) != 0 {
			t.Errorf("%+v", o.all[0])
		}
	})
}

// atLeast compares the kernel's version.
func atLeast(major, minor int) bool {
	var a, b int
	release, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	_, err := fmt.Sscanf(string(release), "%d.%d", &a, &b)
	return err == nil && (a > major || a == major && b >= minor)
}
