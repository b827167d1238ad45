package proctree

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// stat is what /proc/<pid>/stat says (man 5 proc_pid_stat).
type stat struct {
	name     string // of the program, at most 15 bytes
	state    byte
	ppid     int
	ticks    uint64
	exitCode uint32 // of a zombie, 0 if the kernel does not let us see it
}

// readStat reads the state of a process. It is called for every process of the
// machine, so it makes three system calls, where package os makes ten.
func readStat(pid int) (stat, error) {
	var buf [1024]byte
	fd, err := syscall.Open("/proc/"+strconv.Itoa(pid)+"/stat", syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return stat{}, err
	}
	n, err := syscall.Read(fd, buf[:])
	syscall.Close(fd)
	if err != nil {
		return stat{}, err
	}
	return parseStat(buf[:n])
}

// parseStat parses the content of a stat file. The program's name, in
// parentheses, may itself hold spaces and parentheses.
func parseStat(data []byte) (stat, error) {
	i := bytes.LastIndexByte(data, ')')
	f := strings.Fields(string(data[i+1:]))
	if i < 0 || len(f) < 20 || len(f[0]) != 1 {
		return stat{}, fmt.Errorf("not the state of a process: %.60q", data)
	}
	s := stat{state: f[0][0]}
	if j := bytes.IndexByte(data, '('); j >= 0 && j < i {
		s.name = string(data[j+1 : i])
	}
	var err error
	if s.ppid, err = strconv.Atoi(f[1]); err != nil {
		return stat{}, fmt.Errorf("parent of a process: %w", err)
	}
	if s.ticks, err = strconv.ParseUint(f[19], 10, 64); err != nil {
		return stat{}, fmt.Errorf("start time of a process: %w", err)
	}
	if len(f) >= 50 {
		code, err := strconv.ParseUint(f[49], 10, 32)
		if err != nil {
			return stat{}, fmt.Errorf("exit code of a process: %w", err)
		}
		s.exitCode = uint32(code)
	}
	return s, nil
}

// dead reports whether the process has ended, though its parent may not know.
func (s stat) dead() bool { return s.state == 'Z' || s.state == 'X' || s.state == 'x' }

// maxArgv bounds what is kept of a command line.
const maxArgv = 4096

// readImage reads what a process runs; s is its state, read before. Empty
// values stand for what cannot be seen.
//
// A process may become another program at any time. If it did so since s was
// read, the name there is that of the old program (of its parent, between fork
// and exec) and the rest that of the new one; at its death, when the name is
// all that is left, that would look like another exec.
func readImage(pid int, s stat) (name, exe string, argv []string) {
	name = s.name
	for range 3 {
		exe, argv = readProgram(pid)
		again, err := readStat(pid)
		if err != nil || again.ticks != s.ticks || again.name == name {
			break
		}
		name = again.name
	}
	return name, exe, argv
}

// nameOf returns the name that the kernel gives to a process that executes a
// file.
func nameOf(exe string) string {
	base := exe[strings.LastIndexByte(exe, '/')+1:]
	return base[:min(len(base), maxName)]
}

// maxName is the length to which the kernel cuts that name.
const maxName = 15

func readProgram(pid int) (exe string, argv []string) {
	dir := "/proc/" + strconv.Itoa(pid)
	exe, _ = os.Readlink(dir + "/exe")
	f, err := os.Open(dir + "/cmdline")
	if err != nil {
		return exe, nil
	}
	defer f.Close()
	buf := make([]byte, maxArgv)
	n, _ := f.Read(buf)
	if n == 0 {
		return exe, nil
	}
	return exe, strings.Split(strings.TrimSuffix(string(buf[:n]), "\x00"), "\x00")
}

// namespace returns the inode of a process's pid namespace, 0 if unknown.
func namespace(pid string) uint64 {
	link, err := os.Readlink("/proc/" + pid + "/ns/pid")
	if err != nil {
		return 0
	}
	n, _ := strconv.ParseUint(strings.TrimSuffix(strings.TrimPrefix(link, "pid:["), "]"), 10, 64)
	return n
}

// innerPID returns the number of a process in its own pid namespace.
func innerPID(pid int) int {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0
	}
	for _, line := range strings.Split(string(data), "\n") {
		if rest, ok := strings.CutPrefix(line, "NSpid:"); ok {
			if f := strings.Fields(rest); len(f) > 0 {
				n, _ := strconv.Atoi(f[len(f)-1])
				return n
			}
		}
	}
	return 0
}
