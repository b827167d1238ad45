package live

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"syscall"
)

// processes lists the process numbers of the machine.
func processes() ([]int, error) {
	d, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, n := range names {
		if pid, err := strconv.Atoi(n); err == nil {
			pids = append(pids, pid)
		}
	}
	sort.Ints(pids)
	return pids, nil
}

// mapped returns the counter map in the address space of a process, "" if it
// has none.
func mapped(pid int) (string, error) {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/maps")
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
		return "", errors.New("no such process")
	}
	if err != nil {
		return "", err
	}
	for len(data) > 0 {
		var line []byte
		line, data, _ = bytes.Cut(data, []byte("\n"))
		// address perms offset device inode, then the name after spaces
		start := bytes.IndexByte(line, '/')
		if start < 0 {
			continue
		}
		name, deleted := strings.CutSuffix(string(line[start:]), " (deleted)")
		if !isMap(filepath.Base(name)) {
			continue
		}
		if gone := name; deleted {
			return "", errors.New("its counter map " + gone + " was deleted while it runs; its counters cannot be read any more")
		}
		return name, nil
	}
	return "", nil
}

// runs reports whether a process is alive. The start time tells it from a later
// process of the same number. A process of another pid namespace cannot be seen;
// it counts as running.
func runs(pid int, pidns, ticks uint64) bool {
	var st syscall.Stat_t
	if pidns != 0 && (syscall.Stat("/proc/self/ns/pid", &st) != nil || st.Ino != pidns) {
		return true
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return false
	}
	// The program's name, in parentheses, may contain anything.
	i := bytes.LastIndex(stat, []byte(") "))
	if i < 0 {
		return false
	}
	f := strings.Fields(string(stat[i+2:]))
	return len(f) > 19 && f[0] != "Z" && f[0] != "X" && (ticks == 0 || f[19] == strconv.FormatUint(ticks, 10))
}
