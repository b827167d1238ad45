//go:build linux

package proof

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/covwrap/covwrap/embed/countermap"
)

// unixSocket makes a socket for connections that may wait in it, or that shall
// make one.
func unixSocket(t *testing.T) int {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	return fd
}

// addressIn is that of the launcher's socket, short enough for every folder
// while the test runs.
func addressIn(t *testing.T, dir string) *syscall.SockaddrUnix {
	t.Helper()
	d, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return &syscall.SockaddrUnix{Name: fmt.Sprintf("/proc/self/fd/%d/%s", d.Fd(), countermap.SocketName)}
}

// door listens where the launcher does.
func door(t *testing.T, dir string, queue int) int {
	t.Helper()
	fd := unixSocket(t)
	if err := syscall.Bind(fd, addressIn(t, dir)); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, queue); err != nil {
		t.Fatal(err)
	}
	return fd
}

// like runs a kind of the subject and checks that it did what the one without
// coverage does.
func like(t *testing.T, k *kind, dir string) {
	t.Helper()
	got, wanted := run(t, dir, k.build(t), "open", "7"), run(t, dir, plain.build(t), "open", "7")
	if got != wanted {
		t.Errorf("%s: got\n%+v\nwithout coverage\n%+v", k.name, got, wanted)
	}
}

// TestIntroduction: a process makes itself known once, as its map has it,
// whatever the length of the profile directory's name.
func TestIntroduction(t *testing.T) {
	for _, name := range []string{"import", "overlay"} {
		for _, long := range []string{"", strings.Repeat("/long", 30)} {
			k := kindNamed(t, name)
			dir := profileDir(t) + long
			if err := os.MkdirAll(dir, 0o777); err != nil {
				t.Fatal(err)
			}
			fd := door(t, dir, 10)
			like(t, k, dir)
			conn, _, err := syscall.Accept(fd)
			if err != nil {
				t.Fatalf("%s, in %s: nobody: %v", name, dir, err)
			}
			f := os.NewFile(uintptr(conn), "connection")
			defer f.Close()
			said, err := io.ReadAll(f)
			if err != nil {
				t.Fatal(err)
			}
			m := one(t, k, dir, "open", "7")
			wanted := countermap.Introduction{PID: uint32(m.PID), PIDNS: m.PIDNS, Ticks: m.Ticks}
			if string(said) != string(unsafe.Slice((*byte)(unsafe.Pointer(&wanted)), unsafe.Sizeof(wanted))) {
				t.Errorf("%s, in %s: said %v, want %+v", name, dir, said, wanted)
			}
			if _, _, err := syscall.Accept(fd); err != syscall.EAGAIN {
				t.Errorf("%s, in %s: more than one connection: %v", name, dir, err)
			}
		}
	}
}

// TestNobodyListens: the process neither waits nor is it disturbed, whatever is
// in the place of the socket.
func TestNobodyListens(t *testing.T) {
	k := kindNamed(t, "count")
	for name, put := range map[string]func(t *testing.T, dir, path string){
		"a full queue": func(t *testing.T, dir, _ string) {
			door(t, dir, 0)
			for {
				if err := syscall.Connect(unixSocket(t), addressIn(t, dir)); err == syscall.EAGAIN {
					return
				} else if err != nil {
					t.Fatal(err)
				}
			}
		},
		"a socket without a listener": func(t *testing.T, dir, _ string) { must(t, syscall.Bind(unixSocket(t), addressIn(t, dir))) },
		"a file":                      func(t *testing.T, _, path string) { must(t, os.WriteFile(path, nil, 0o666)) },
		"a pipe":                      func(t *testing.T, _, path string) { must(t, syscall.Mkfifo(path, 0o666)) },
		"a folder":                    func(t *testing.T, _, path string) { must(t, os.Mkdir(path, 0o777)) },
		"a link to nowhere":           func(t *testing.T, _, path string) { must(t, os.Symlink("none", path)) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := profileDir(t)
			put(t, dir, filepath.Join(dir, countermap.SocketName))
			like(t, k, dir)
			one(t, k, dir, "open", "7")
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
