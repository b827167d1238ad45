//go:build amd64 || arm64 || loong64 || ppc64le || riscv64

package rt

import (
	"syscall"
	"unsafe"
)

// introduce makes this process known to the launcher: the connection carries a
// handle of it (SO_PEERPIDFD) that stays good when the process has ended and its
// parent has waited for it, and by which the kernel tells how it ended. Without
// it a process that lives for a millisecond is gone before anybody looks.
//
// Where there is no launcher, or it is too busy to queue one more, nothing
// happens; in no case does the process wait.
func (m *mapper) introduce() {
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		return
	}
	defer closeFd(fd)
	if !m.connect(fd) {
		return
	}
	i := Introduction{PID: uint32(syscall.Getpid()), PIDNS: m.pidns, Ticks: m.self.ticks}
	syscall.SendmsgN(fd, unsafe.Slice((*byte)(unsafe.Pointer(&i)), unsafe.Sizeof(i)), nil, nil, syscall.MSG_NOSIGNAL)
}

// connect connects to the launcher's socket in the profile directory, whose path
// is often longer than the address of a socket can be.
func (m *mapper) connect(fd int) bool {
	const longest = 107 // bytes of sockaddr_un.sun_path before a NUL
	path := m.dir + "/" + SocketName
	if len(path) > longest {
		const oPath = 0x200000 // O_PATH
		dir, err := open(m.dir, oPath|syscall.O_DIRECTORY)
		if err != 0 {
			return false
		}
		defer closeFd(dir)
		path = "/proc/self/fd/" + utoa(uint64(dir)) + "/" + SocketName
	}
	return syscall.Connect(fd, &syscall.SockaddrUnix{Name: path}) == nil
}
