//go:build unix

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// collect measures the collection of 1,000 children: once when all of them
// have left their maps, and once as they come.
func (b *bench) collect() error {
	const children = 1000
	p := b.programs[1]
	argv, err := crowdOf(p, children, 50)
	if err != nil {
		return err
	}
	if _, _, err := b.timed(argv, p.environment()); err != nil {
		return err
	}
	maps, err := filepath.Glob(filepath.Join(p.out, "covmap.*"))
	if err != nil || len(maps) != children {
		return fmt.Errorf("%d children left %d maps: %v", children, len(maps), err)
	}
	// A command that does nothing, and a profile directory that is full of maps.
	all := []string{b.covwrap, "run", "--quiet", "--dir=" + p.out, "--lcov=" + b.path("lcov"), "--", "/bin/true"}
	took, state, err := b.timed(all, environment())
	if err != nil {
		return err
	}
	usage := state.SysUsage().(*syscall.Rusage)
	memory := float64(usage.Maxrss) / 1024
	b.aim("1,000 children, all at the end: time", fmt.Sprintf("%.2f s (%.2f s of processor)", took.Seconds(), (state.UserTime()+state.SystemTime()).Seconds()),
		"1 s at most", took <= time.Second)
	b.aim("1,000 children, all at the end: memory", fmt.Sprintf("%.0f MB", memory), "150 MB at most", memory <= 150)
	if _, err := p.written(); err != nil {
		return err
	}
	return b.collectAsTheyCome(p, 2*children)
}

// collectAsTheyCome runs the children under the launcher, and looks all the
// while at the room that the profile directory takes.
func (b *bench) collectAsTheyCome(p *program, children int) error {
	plain, err := crowdOf(b.programs[0], children, 50)
	if err != nil {
		return err
	}
	without, _, err := b.timed(plain, environment())
	if err != nil {
		return err
	}
	argv, err := crowdOf(p, children, 50)
	if err != nil {
		return err
	}
	dir := b.path("profile-directory")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	done, most := make(chan bool), make(chan int64)
	go func() {
		var largest int64
		for {
			select {
			case <-done:
				most <- largest
				return
			case <-time.After(5 * time.Millisecond): // how fine the disk is watched
				largest = max(largest, diskUse(dir))
			}
		}
	}()
	argv = append([]string{b.covwrap, "run", "--quiet", "--dir=" + dir, "--lcov=" + b.path("lcov"), "--"}, argv...)
	took, state, err := b.timed(argv, environment())
	close(done)
	largest := <-most
	if err != nil {
		return err
	}
	b.add("2,000 children, 50 at once, as they come: time", fmt.Sprintf("%.2f s (%.2f times uncovered)", took.Seconds(), took.Seconds()/without.Seconds()))
	b.add("  largest process", fmt.Sprintf("%.0f MB", float64(state.SysUsage().(*syscall.Rusage).Maxrss)/1024))
	// The launcher lets 1,024 files come together before it hurries, and looks
	// every 100 ms.
	bound := (1024 + 256 + 50) * b.mapSize
	b.aim("  largest use of the disk", fmt.Sprintf("%d MB (all maps together: %d MB)", largest>>20, int64(children)*b.mapSize>>20),
		fmt.Sprintf("%d MB at most", bound>>20), largest <= bound)
	return nil
}
