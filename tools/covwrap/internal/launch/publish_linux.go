package launch

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// Publish makes /proc/<pid>/environ of this process, which shows the
// environment as it was at start, show the profile directory. A covered process
// that was started with an empty environment looks there, since the launcher is
// its ancestor or has adopted it.
//
// The kernel shows the memory in which it once put the environment, so that is
// where the variable is written; Go's runtime has its own copy of everything
// there. If the memory is too small (env -i) the launcher starts itself anew
// with a larger environment, once, and Publish does not return.
func Publish(dir string) error {
	set := DirVar + "=" + dir
	old, err := os.ReadFile("/proc/self/environ")
	if err != nil {
		return err
	}
	if err := overwrite(old, set); err == nil {
		return nil
	} else if os.Getenv(stageVar) != "" {
		return err
	}
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return err
	}
	stage := strconv.Itoa(os.Getpid()) + ":" + dir
	return syscall.Exec(exe, os.Args, append(os.Environ(), set, stageVar+"="+stage))
}

// Staged returns the profile directory that this process made before it
// started itself anew, or "".
func Staged() string {
	pid, dir, _ := strings.Cut(os.Getenv(stageVar), ":")
	if pid != strconv.Itoa(os.Getpid()) {
		return ""
	}
	return dir
}

// overwrite writes the variable before the others, of which those remain that
// have room.
func overwrite(old []byte, set string) error {
	if bytes.HasPrefix(old, []byte(set+"\x00")) || bytes.Contains(old, []byte("\x00"+set+"\x00")) {
		return nil
	}
	if len(set)+1 > len(old) {
		return fmt.Errorf("the environment has %d bytes, %d are needed", len(old), len(set)+1)
	}
	block := append([]byte(set), 0)
	for _, kv := range bytes.SplitAfter(old, []byte{0}) {
		if len(block)+len(kv) > len(old) {
			break
		}
		if !bytes.HasPrefix(kv, []byte(DirVar+"=")) {
			block = append(block, kv...)
		}
	}
	block = append(block, make([]byte, len(old)-len(block))...)
	start, err := envStart(len(old))
	if err != nil {
		return err
	}
	mem, err := os.OpenFile("/proc/self/mem", os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer mem.Close()
	if _, err := mem.WriteAt(block, start); err != nil {
		return err
	}
	now, err := os.ReadFile("/proc/self/environ")
	if err == nil && !bytes.Equal(now, block) {
		err = fmt.Errorf("/proc/self/environ does not show what was written")
	}
	return err
}

// envStart returns the address of the environment (fields 50 and 51 of
// /proc/self/stat).
func envStart(size int) (int64, error) {
	data, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return 0, err
	}
	f := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:]))
	if len(f) < 49 {
		return 0, fmt.Errorf("/proc/self/stat has %d fields", len(f)+2)
	}
	start, err1 := strconv.ParseInt(f[47], 10, 64)
	end, err2 := strconv.ParseInt(f[48], 10, 64)
	if err1 != nil || err2 != nil || start <= 0 || end-start != int64(size) {
		return 0, fmt.Errorf("/proc/self/stat: the environment from %s to %s does not have %d bytes", f[47], f[48], size)
	}
	return start, nil
}
