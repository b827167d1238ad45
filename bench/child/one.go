//go:build unix

package main

import (
	"fmt"
	"os"
	"os/exec"
	"time"
)

// oneByOne measures one child: start, exit, and what it leaves on the disk.
func (b *bench) oneByOne() error {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	times, size := make([][]time.Duration, len(b.programs)), make([]int64, len(b.programs))
	for round := range b.rounds + 5 {
		for i, p := range b.programs {
			took, err := p.once(null)
			if err != nil {
				return err
			}
			if size[i], err = p.written(); err != nil {
				return err
			}
			if p.name == "covwrap" {
				b.mapSize = size[i]
			}
			if round >= 5 { // the first ones read the binary from the disk
				times[i] = append(times[i], took)
			}
		}
	}
	base := median(times[0])
	for i, p := range b.programs {
		took := median(times[i])
		what := fmt.Sprintf("one child, %d blocks: %s", b.blocks, p.name)
		figure := ms(took)
		if i > 0 {
			figure += fmt.Sprintf(" (+%s), %d KB written", ms(took-base), size[i]/1024)
		}
		if p.name == "covwrap" {
			b.aim(what, figure, "+1 ms at most", took-base <= time.Millisecond)
		} else {
			b.add(what, figure)
		}
		if p.name == "rules_go" {
			ratio := float64(took-base) / float64(max(median(times[1])-base, 1))
			b.aim("  what rules_go adds, over what covwrap adds", fmt.Sprintf("%.0f times", ratio), "200 times", ratio >= 200)
		}
	}
	return nil
}

// launcherAlone measures what a test without coverage pays for the launcher.
func (b *bench) launcherAlone() error {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	plain := b.programs[0]
	var with, without []time.Duration
	for range b.rounds {
		took, err := plain.once(null)
		if err != nil {
			return err
		}
		without = append(without, took)
		cmd := exec.Command(b.launcher)
		cmd.Env = append(environment(), "COVWRAP_TEST="+plain.bin)
		start := time.Now()
		if err := cmd.Run(); err != nil {
			return err
		}
		with = append(with, time.Since(start))
	}
	added := median(with) - median(without)
	b.aim("the launcher before a test without coverage", "+"+ms(added), "+3 ms at most", added <= 3*time.Millisecond)
	return nil
}
