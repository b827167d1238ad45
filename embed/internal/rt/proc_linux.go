//go:build amd64 || arm64 || loong64 || ppc64le || riscv64

package rt

import (
	"runtime"
	"syscall"
)

// DirVariable names the environment variable with the profile directory.
const DirVariable = "COVWRAP_DIR"

// self is what /proc/PID/stat tells about a process.
type self struct {
	ppid  int
	ticks uint64
	brk   uint64
}

func readSelf() self { return readStat("/proc/self/stat") }

// readStat parses proc(5)'s stat: the second field is the name in parentheses,
// which may itself hold anything.
func readStat(path string) (s self) {
	var buf [1024]byte
	b := buf[:read(path, buf[:])]
	for i := len(b) - 1; ; i-- {
		if i < 0 {
			return s
		}
		if b[i] == ')' {
			b = b[i+1:]
			break
		}
	}
	const fieldPPID, fieldStart, fieldBrk = 4, 22, 47
	field := 2
	for i, c := range b {
		if c != ' ' {
			continue
		}
		field++
		switch field {
		case fieldPPID:
			s.ppid = int(parseUint(b[i+1:]))
		case fieldStart:
			s.ticks = parseUint(b[i+1:])
		case fieldBrk:
			s.brk = parseUint(b[i+1:])
		}
	}
	return s
}

// profileDir returns the profile directory, or "". A process that was started
// with an empty environment takes it from the nearest ancestor that has it; the
// launcher, which adopts orphans, is the last of them.
func profileDir(ppid int) string {
	dir, ok := syscall.Getenv(DirVariable)
	for i := 0; !ok && ppid > 0 && i < 64; i++ {
		proc := "/proc/" + utoa(uint64(ppid))
		dir, ok = environ(proc+"/environ", DirVariable+"=")
		ppid = readStat(proc + "/stat").ppid
	}
	if dir == "" || dir[0] != '/' {
		return ""
	}
	return dir
}

// environ finds the value of the variable that prefix begins.
func environ(path, prefix string) (value string, ok bool) {
	b := readAll(path)
	for len(b) > 0 {
		n := 0
		for n < len(b) && b[n] != 0 {
			n++
		}
		if n >= len(prefix) && string(b[:len(prefix)]) == prefix {
			return string(b[len(prefix):n]), true
		}
		b = b[min(n+1, len(b)):]
	}
	return "", false
}

// strings are the strings of the file.
func (m *mapper) strings() (b []byte, argc, flags uint32) {
	var buf [4096]byte
	exe, _ := syscall.Readlink("/proc/self/exe", buf[:])
	b = append(append(b, buf[:max(exe, 0)]...), 0)
	cwd, _ := syscall.Getcwd(buf[:])
	for cwd > 0 && buf[cwd-1] == 0 {
		cwd--
	}
	b = append(append(b, buf[:max(cwd, 0)]...), 0)
	b = append(append(b, runtime.GOOS...), 0)
	b = append(append(b, runtime.GOARCH...), 0)
	b = append(append(b, runtime.Version()...), 0)
	room := len(b) + MaxArgv
	for _, a := range runtimeArgs() {
		if left := room - len(b) - 1; len(a) > left {
			flags = FlagArgvTruncated
			if left <= 0 {
				break
			}
			a = a[:left]
		}
		b = append(append(b, a...), 0)
		argc++
	}
	return b, argc, flags
}

// exe identifies the executable. The time of its last change (ctime), which
// nobody can set, makes it unique: a file in the place of a deleted one may have
// its number, size and time of modification.
type exe struct {
	dev, inode, size uint64
	mtime, ctime     int64
}

func statExe() exe {
	var s syscall.Stat_t
	if syscall.Stat("/proc/self/exe", &s) != nil {
		return exe{}
	}
	return exe{uint64(s.Dev), s.Ino, uint64(s.Size), s.Mtim.Nano(), s.Ctim.Nano()}
}

// pidNamespace is the number in "pid:[4026531836]".
func pidNamespace() uint64 {
	var buf [64]byte
	n, _ := syscall.Readlink("/proc/self/ns/pid", buf[:])
	for i, c := range buf[:max(n, 0)] {
		if c == '[' {
			return parseUint(buf[i+1:])
		}
	}
	return 0
}

// read reads the start of a file into buf and returns the length.
func read(path string, buf []byte) int {
	fd, err := open(path, syscall.O_RDONLY)
	if err != 0 {
		return 0
	}
	defer closeFd(fd)
	n, _ := syscall.Read(fd, buf)
	return max(n, 0)
}

// readAll reads a file of /proc, up to 4 MiB.
func readAll(path string) []byte {
	fd, err := open(path, syscall.O_RDONLY)
	if err != 0 {
		return nil
	}
	defer closeFd(fd)
	buf := make([]byte, 8<<10)
	got := 0
	for {
		n, _ := syscall.Read(fd, buf[got:])
		if n <= 0 {
			return buf[:got]
		}
		got += n
		if got == len(buf) {
			if got >= 4<<20 {
				return buf
			}
			buf = append(buf, make([]byte, len(buf))...)
		}
	}
}
