//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// exact compares the sum with what 10,000 children must have counted.
func (s *soak) exact() error {
	data, err := os.ReadFile(s.path("profile"))
	if err != nil {
		return err
	}
	counts := map[string]int{} // how many blocks have which count
	for _, line := range strings.Split(strings.TrimSpace(string(data)), "\n")[1:] {
		fields := strings.Fields(line)
		counts[fields[len(fields)-1]]++
	}
	// main: before the switch's branch on err, the switch, seven, its end;
	// the branch on err; the loop; the three ways to end.
	n := s.children
	want := map[string]int{strconv.Itoa(n): 4, "0": 1, strconv.Itoa(7 * n): 1, strconv.Itoa(n / 4): 3}
	if fmt.Sprint(counts) != fmt.Sprint(want) {
		s.wrongf("blocks by count: %v, want %v\n%s", counts, want, data)
	}
	s.row("sum", "%d blocks, all exact", len(strings.Split(strings.TrimSpace(string(data)), "\n"))-1)

	var ledger struct{ Covered, Collected int }
	if data, err = os.ReadFile(s.path("ledger")); err != nil {
		return err
	}
	if err := json.Unmarshal(data, &ledger); err != nil {
		return err
	}
	if ledger.Covered != n || ledger.Collected != n {
		s.wrongf("the ledger has %d covered, %d collected; want %d", ledger.Covered, ledger.Collected, n)
	}
	s.row("ledger", "%d covered, %d collected, %d KB", ledger.Covered, ledger.Collected, len(data)>>10)
	return nil
}

// sample is what the launcher has at a moment.
type sample struct {
	memory, files, profile int
	disk                   int64 // of the profile directory
}

// watch looks at the launcher again and again until stop is closed.
func watch(pid int, stop <-chan bool) []sample {
	var all []sample
	for {
		select {
		case <-stop:
			return all
		case <-time.After(20 * time.Millisecond): // how finely it is watched
		}
		now := sample{memory: resident(pid), files: len(entries(fmt.Sprintf("/proc/%d/fd", pid)))}
		if dir := environ(pid, "COVWRAP_DIR"); dir != "" {
			now.profile, now.disk = size(dir)
		}
		if now.memory > 0 {
			all = append(all, now)
		}
	}
}

// resident is a process's resident memory in KB, 0 if it is gone.
func resident(pid int) int {
	data, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)) // nothing in it, if it is gone
	_, rest, _ := bytes.Cut(data, []byte("VmRSS:"))
	var kb int
	fmt.Sscan(string(rest), &kb)
	return kb
}

// environ is a variable of a process's environment.
func environ(pid int, name string) string {
	data, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid)) // the same
	for _, v := range strings.Split(string(data), "\x00") {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value
		}
	}
	return ""
}

// size counts the files of a folder and their bytes on the disk.
func size(dir string) (files int, bytes int64) {
	for _, e := range entries(dir) {
		files++
		if info, err := e.Info(); err == nil { // gone meanwhile
			bytes += info.Sys().(*syscall.Stat_t).Blocks * 512
		}
	}
	return files, bytes
}

func entries(dir string) []os.DirEntry {
	list, _ := os.ReadDir(dir) // none in a folder that is gone
	return list
}

// flat compares the second half of the run with the first.
func (s *soak) flat() {
	half := len(s.samples) / 2
	if half < 10 {
		s.wrongf("only %d looks at the launcher", len(s.samples))
		return
	}
	// The launcher warms up in the first tenth.
	first, second := most(s.samples[half/5:half]), most(s.samples[half:])
	s.row("memory", "%d MB in the first half, %d MB in the second", first.memory>>10, second.memory>>10)
	s.row("open files", "%d, %d", first.files, second.files)
	s.row("files in the profile directory", "%d, %d", first.profile, second.profile)
	s.row("bytes there", "%d KB, %d KB", first.disk>>10, second.disk>>10)
	// The ledger has an entry for each child: that much may be added.
	allowed := first.memory + first.memory/4 + 2*s.children/2
	if second.memory > allowed {
		s.wrongf("memory grew from %d KB to %d KB; %d KB allowed", first.memory, second.memory, allowed)
	}
	if second.files > first.files+8 {
		s.wrongf("open files grew from %d to %d", first.files, second.files)
	}
	// The collector folds a few hundred at a time.
	if limit := 1024 + s.atOnce; second.profile > limit {
		s.wrongf("%d files in the profile directory; %d allowed", second.profile, limit)
	}
}

func most(all []sample) sample {
	var m sample
	for _, x := range all {
		m = sample{max(m.memory, x.memory), max(m.files, x.files), max(m.profile, x.profile), max(m.disk, x.disk)}
	}
	return m
}

// clean checks that nothing is left.
func (s *soak) clean(mounts []byte) error {
	for _, e := range entries(s.path("tmp")) {
		s.wrongf("left behind: the file %s", e.Name())
	}
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return err
	}
	for _, file := range files {
		if line, err := os.ReadFile(file); err == nil && bytes.Contains(line, []byte(s.dir)) {
			s.wrongf("left behind: the process %s %q", filepath.Dir(file), line)
		}
	}
	now, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return err
	}
	if !bytes.Equal(now, mounts) {
		s.wrongf("mounts before:\n%s\nand after:\n%s", mounts, now)
	}
	s.row("left behind", "no process, file or mount")
	return nil
}
