package proctree

import (
	"os"
	"strconv"
	"syscall"
	"unsafe"

	"github.com/covwrap/covwrap/embed/countermap"
)

// door is the socket in the profile directory at which covered processes make
// themselves known when they start (see introduce in package embed/internal/rt).
// Everybody can connect to it; what is said there is believed only as far as it
// goes into nothing but the account.
type door struct {
	fd   int // -1 where none can be made: a file system without sockets
	path string
}

// openDoor makes the socket, in the place of one that was left there.
func openDoor(dir string) *door {
	d := &door{-1, dir + "/" + countermap.SocketName}
	folder, err := os.Open(dir)
	if err != nil {
		return d
	}
	defer folder.Close()
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		return d
	}
	syscall.Unlink(d.path)
	// The path itself may be too long for an address.
	err = syscall.Bind(fd, &syscall.SockaddrUnix{Name: "/proc/self/fd/" + strconv.Itoa(int(folder.Fd())) + "/" + countermap.SocketName})
	if err == nil {
		err = os.Chmod(d.path, 0o666) // processes of any user
	}
	if err == nil {
		const queue = 4096 // what Linux allows by default
		err = syscall.Listen(fd, queue)
	}
	if err != nil {
		syscall.Close(fd)
		syscall.Unlink(d.path)
		return d
	}
	d.fd = fd
	return d
}

func (d *door) close() {
	if d.fd >= 0 {
		syscall.Close(d.fd)
		syscall.Unlink(d.path)
	}
}

// visitor is a process that has made itself known.
type visitor struct {
	conn  int
	pid   int // as we see it; 0 if it is of a pid namespace that we do not see
	pidfd int // -1 if there is none
}

// accept takes one process in; ok is false if no more wait.
func (d *door) accept() (v visitor, ok bool) {
	for {
		conn, _, err := syscall.Accept4(d.fd, syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK)
		if err == syscall.EINTR || err == syscall.ECONNABORTED {
			continue
		}
		if err != nil {
			return v, false
		}
		v = visitor{conn: conn, pidfd: -1}
		if cred, err := syscall.GetsockoptUcred(conn, syscall.SOL_SOCKET, syscall.SO_PEERCRED); err == nil {
			v.pid = int(cred.Pid)
		}
		const soPeerPidfd = 77 // SO_PEERPIDFD (asm-generic/socket.h), Linux 6.5; of a process that has ended, 6.16
		if fd, err := syscall.GetsockoptInt(conn, syscall.SOL_SOCKET, soPeerPidfd); err == nil {
			v.pidfd = fd
		}
		return v, true
	}
}

// said returns what the process has said; ok is false if it has not yet.
func (v visitor) said() (i countermap.Introduction, ok bool) {
	b := unsafe.Slice((*byte)(unsafe.Pointer(&i)), unsafe.Sizeof(i))
	n, _ := syscall.Read(v.conn, b)
	return i, n == len(b)
}

func (v visitor) close() {
	syscall.Close(v.conn)
	if v.pidfd >= 0 {
		syscall.Close(v.pidfd)
	}
}
