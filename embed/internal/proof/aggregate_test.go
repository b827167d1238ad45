//go:build linux

package proof

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/covwrap/covwrap/embed/countermap"
)

// aggregates opens the aggregate maps of a profile directory.
func aggregates(t *testing.T, dir string) []*countermap.Map {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, countermap.AggregatePrefix+"*"))
	if err != nil {
		t.Fatal(err)
	}
	var ms []*countermap.Map
	for _, name := range names {
		m, err := countermap.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { m.Close() })
		ms = append(ms, m)
	}
	return ms
}

// TestAggregate: many processes of one executable, started at once, with the
// aggregate map appearing amid them, and most of them killed: all together
// counted exactly what each alone would have, and each is on record.
func TestAggregate(t *testing.T) {
	for _, k := range kinds {
		if k.many > 0 {
			continue // long to build, and nothing here that "count" has not
		}
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			bin := k.build(t)
			dir := profileDir(t)
			run(t, dir, bin, "return", "7")
			first := one(t, k, dir, "return", "7")
			err := first.MakeAggregate(dir, time.Now())
			if k.carrier == "import" || k.mode == "count" || k.edges {
				if !errors.Is(err, countermap.ErrNoAggregate) {
					t.Errorf("an aggregate map for it: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := first.MakeAggregate(dir, time.Now()); err != nil {
				t.Errorf("a second time: %v", err)
			}
			aggregate := filepath.Join(dir, first.Binary.AggregateName())
			hidden := filepath.Join(dir, "discard")

			const n = 40
			if err := os.Rename(aggregate, hidden); err != nil {
				t.Fatal(err)
			}
			pids := make([]int, n)
			var group sync.WaitGroup
			for i := range n {
				group.Add(1)
				go func() {
					defer group.Done()
					if i == n/4 {
						if err := os.Rename(hidden, aggregate); err != nil {
							t.Error(err)
						}
					}
					way := []string{"kill", "return", "panic", "exit"}[i%4]
					cmd := exec.Command(bin, way, strconv.Itoa(i))
					runCmd(t, dir, cmd)
					pids[i] = cmd.Process.Pid
				}()
			}
			group.Wait()

			all := aggregates(t, dir)
			if len(all) != 1 {
				t.Fatalf("%d aggregate maps in %v", len(all), list(t, dir))
			}
			m := all[0]
			if hash, ok := m.MetaHash(); !ok || !hasMeta(dir, hash) || m.PID != 0 || len(m.Argv) != 0 || m.Exe != first.Exe || m.Exit != countermap.ExitUnknown {
				t.Errorf("%+v, meta-data %x", m, hash)
			}
			records, err := m.Records()
			if err != nil {
				t.Fatal(err)
			}
			seen := map[int]int{}
			for _, r := range records {
				seen[r.PID]++
				if r.Ticks < first.Ticks || r.PIDNS != first.PIDNS || r.Start.Before(first.Start) {
					t.Errorf("record %+v", r)
				}
			}
			loop, calls := counts(t, m)
			early := initialised(t, m)
			own := maps(t, dir)
			for _, m := range own[1:] { // the first made the meta-data
				l, c := counts(t, m)
				loop, calls = loop+l, calls+c
				early += initialised(t, m)
				seen[m.PID]++
			}
			if each := initialised(t, first); early != n*each || (each == 0) != (k.coverpkg == "") {
				t.Errorf("%d processes counted %d before they were mapped, one %d", n, early, each)
			}
			if len(records) == 0 {
				t.Error("none has joined")
			}
			for _, pid := range pids {
				if seen[pid] != 1 {
					t.Errorf("process %d left %d traces, want 1", pid, seen[pid])
				}
			}
			if len(seen) != n {
				t.Errorf("%d processes left traces, want %d", len(seen), n)
			}
			if k.mode == "set" {
				if calls != uint32(len(own)) || loop == 0 {
					t.Errorf("%d maps: %d calls, %d loops; in mode set each has one", len(own), calls, loop)
				}
			} else if calls != n || loop != n*(n-1)/2 {
				t.Errorf("%d calls and %d loops, want %d and %d", calls, loop, n, n*(n-1)/2)
			}
		})
	}
}

// initialised sums up what runs in package internal/reflectlite, if that is
// covered: the initialisation of package errors, before the runtime maps anything.
func initialised(t *testing.T, m *countermap.Map) (sum int) {
	t.Helper()
	words, err := m.Counters(nil)
	if err != nil {
		t.Fatal(err)
	}
	pkgs, _, err := m.Packages()
	if err != nil {
		t.Fatal(err)
	}
	err = m.VisitFuncs(words, pkgs, func(pkg, _ uint32, counters []uint32) error {
		if int(pkg) < len(pkgs) && pkgs[pkg].Path == "internal/reflectlite" {
			for _, c := range counters {
				sum += int(c)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

func hasMeta(dir string, hash [16]byte) bool {
	_, err := os.Stat(filepath.Join(dir, fmt.Sprintf("covmeta.%x", hash)))
	return err == nil
}

// aggregated makes an aggregate map for an executable.
func aggregated(t *testing.T, k *kind) (dir, bin string) {
	t.Helper()
	bin, dir = k.build(t), profileDir(t)
	run(t, dir, bin, "return", "0")
	m := one(t, k, dir, "return", "0")
	if err := m.MakeAggregate(dir, time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(m.Path); err != nil {
		t.Fatal(err)
	}
	return dir, bin
}

// left are the numbers of processes with traces: in an aggregate map, and in
// maps of their own.
func left(t *testing.T, dir string) (together, alone []int) {
	t.Helper()
	for _, m := range aggregates(t, dir) {
		records, err := m.Records()
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			together = append(together, r.PID)
		}
	}
	for _, m := range maps(t, dir) {
		alone = append(alone, m.PID)
	}
	return together, alone
}

// TestAggregateEnds: a process that counts into an aggregate map looks like one
// that is not covered.
func TestAggregateEnds(t *testing.T) {
	k := kindNamed(t, "pie")
	reference := plain.build(t)
	dir, bin := aggregated(t, k)
	for _, e := range ends {
		got := run(t, dir, bin, e.way, "7")
		same(t, got, run(t, dir, reference, e.way, "7"), k, e.head)
	}
	got := run(t, dir, bin, "open", "1")
	same(t, got, run(t, dir, reference, "open", "1"), k, false)
	together, alone := left(t, dir)
	if len(together) != len(ends)+1 || alone != nil {
		t.Errorf("%d processes together, alone %v; want %d, none", len(together), alone, len(ends)+1)
	}
	loop, calls := counts(t, aggregates(t, dir)[0])
	wantLoop, wantCalls := uint32(1), uint32(1)
	for _, e := range ends {
		wantLoop, wantCalls = wantLoop+max(e.loop, 7), wantCalls+max(e.calls, 1)
	}
	if loop != wantLoop || calls != wantCalls {
		t.Errorf("%d loops in %d calls, want %d in %d", loop, calls, wantLoop, wantCalls)
	}
}

// TestAggregateImages: a process that becomes another image of itself is on
// record once for each.
func TestAggregateImages(t *testing.T) {
	dir, bin := aggregated(t, kindNamed(t, "pie"))
	run(t, dir, bin, "exec-self", "4")
	together, alone := left(t, dir)
	if len(together) != 4 || together[0] != together[3] || alone != nil {
		t.Errorf("together %v, alone %v; want one process four times", together, alone)
	}
	if loop, calls := counts(t, aggregates(t, dir)[0]); loop != 4+3+2+1 || calls != 4 {
		t.Errorf("%d loops in %d calls, want 10 in 4", loop, calls)
	}
}

// TestAggregateRebuilt: a new executable in the old one's place does not count
// into its map, even with the same size and time.
func TestAggregateRebuilt(t *testing.T) {
	dir, bin := aggregated(t, kindNamed(t, "pie"))
	info, err := os.Stat(bin)
	if err != nil {
		t.Fatal(err)
	}
	here := filepath.Join(root, t.Name())
	defer os.Remove(here)
	for range 3 {
		// On ext4 the same inode number as a rule.
		os.Remove(here)
		if err := copyFile(here, bin); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(here, 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(here, info.ModTime(), info.ModTime()); err != nil {
			t.Fatal(err)
		}
		run(t, dir, here, "return", "1")
		ms := maps(t, dir)
		if err := ms[len(ms)-1].MakeAggregate(dir, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	if together, alone := left(t, dir); together != nil || len(alone) != 3 {
		t.Errorf("together %v, alone %v; want none, 3", together, alone)
	}
	if n := len(aggregates(t, dir)); n != 4 {
		t.Errorf("%d aggregate maps for 4 files", n)
	}
}

// TestAggregateFallback: who cannot count together has a map of its own.
func TestAggregateFallback(t *testing.T) {
	k := kindNamed(t, "pie")
	limited := func(bin, limit string) *exec.Cmd {
		return exec.Command("/bin/sh", "-c", "ulimit "+limit+"; exec \"$@\"", "sh", bin, "kill", "3")
	}
	for _, test := range []struct {
		name  string
		spoil func(t *testing.T, path string)
		cmd   func(bin string) *exec.Cmd
	}{
		{name: "read-only", spoil: func(t *testing.T, path string) {
			requireRoot(t)
			if err := os.Chmod(path, 0o444); err != nil {
				t.Fatal(err)
			}
		}, cmd: func(bin string) *exec.Cmd {
			cmd := exec.Command(bin, "kill", "3")
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
			return cmd
		}},
		{name: "damaged", spoil: func(t *testing.T, path string) {
			if err := os.WriteFile(path, []byte("no map"), 0o666); err != nil {
				t.Fatal(err)
			}
		}},
		{name: "fifo", spoil: func(t *testing.T, path string) {
			if err := errors.Join(os.Remove(path), syscall.Mkfifo(path, 0o666)); err != nil {
				t.Fatal(err)
			}
		}},
		{name: "link", spoil: func(t *testing.T, path string) {
			if err := errors.Join(os.Rename(path, path+".x"), os.Symlink(path+".x", path)); err != nil {
				t.Fatal(err)
			}
		}},
		{name: "large", spoil: func(t *testing.T, path string) { // more than the limit allows to grow
			if err := os.Truncate(path, 3<<20); err != nil {
				t.Fatal(err)
			}
		}, cmd: func(bin string) *exec.Cmd { return limited(bin, "-f 6144") }}, // of 512 bytes
	} {
		t.Run(test.name, func(t *testing.T) {
			dir, bin := aggregated(t, k)
			test.spoil(t, aggregates(t, dir)[0].Path)
			cmd := exec.Command(bin, "kill", "3")
			if test.cmd != nil {
				cmd = test.cmd(bin)
			}
			if got := runCmd(t, dir, cmd); got.status != "signal: killed" || got.stderr != "" {
				t.Errorf("%+v", got)
			}
			want(t, k, one(t, k, dir, "kill", "3"), 3, 1)
			for _, name := range list(t, dir) {
				if strings.HasPrefix(name, "covnote") || name == "covwrap.log" {
					t.Errorf("a note: %s", name)
				}
			}
		})
	}
}
