package proctree

import (
	"io"
	"os/exec"
	"runtime"
	"testing"
)

// A process was last seen between its fork and its exec, or in its exec, and
// then dead: it has not become a program that it was not before.
func TestSeenInExec(t *testing.T) {
	parent := func(s stat) stat { s.name = "parent"; return s }
	for name, first := range map[string]func(*Observer, int, stat){
		"its name was read before": func(o *Observer, pid int, s stat) { o.see(pid, parent(s), -1) },
		"the kernel had not changed it": func(o *Observer, pid int, s stat) {
			o.see(pid, s, -1)
			o.live[pid].name = "parent"
		},
		"a known process": func(o *Observer, pid int, s stat) {
			o.see(pid, s, -1)
			o.live[pid].Exe = ""
			o.see(pid, parent(s), -1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command("cat")
			in, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer cmd.Wait()
			defer in.Close()
			o := &Observer{self: cmd.Process.Pid, wake: -1, live: map[int]*watched{}, last: map[int]*Process{}}
			s, err := readStat(cmd.Process.Pid)
			if err != nil {
				t.Fatal(err)
			}
			first(o, cmd.Process.Pid, s)
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			for !s.dead() {
				runtime.Gosched()
				if s, err = readStat(cmd.Process.Pid); err != nil {
					t.Fatal(err)
				}
			}
			o.see(cmd.Process.Pid, s, -1)
			if len(o.all) != 1 || o.all[0].Replaced {
				t.Errorf("%d images, the first one is %+v", len(o.all), o.all[0])
			}
		})
	}
}

// A process whose last look was at another program has become one.
func TestSeenAfterExec(t *testing.T) {
	cmd := exec.Command("sh", "-c", "read go; exec cat")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer in.Close()
	o := &Observer{self: cmd.Process.Pid, wake: -1, live: map[int]*watched{}, last: map[int]*Process{}}
	s, err := readStat(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	o.see(cmd.Process.Pid, s, -1)
	io.WriteString(in, "go\nthrough cat\n")
	if _, err := io.ReadFull(out, make([]byte, len("through cat\n"))); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for !s.dead() {
		runtime.Gosched()
		if s, err = readStat(cmd.Process.Pid); err != nil {
			t.Fatal(err)
		}
	}
	o.see(cmd.Process.Pid, s, -1)
	if len(o.all) != 2 || !o.all[0].Replaced || o.all[1].Replaced {
		t.Errorf("images: %+v", o.all)
	}
}
