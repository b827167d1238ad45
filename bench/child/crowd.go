//go:build unix

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/covwrap/covwrap/bench/internal/crowd"
)

// crowdOf is the command line of a crowd of the program.
func crowdOf(p *program, count, atOnce int) ([]string, error) {
	return crowd.Argv(count, atOnce, p.bin)
}

// timed runs a command and returns how long it took and the largest resident
// memory of it and of the children that it waited for.
func (b *bench) timed(argv, env []string) (took time.Duration, state *os.ProcessState, err error) {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir, cmd.Env = b.path("src"), env
	start := time.Now()
	out, err := cmd.CombinedOutput()
	took = time.Since(start)
	if text := string(out); err == nil && text != "" && (!strings.HasSuffix(text, " exit status 0\n") || strings.Count(text, "\n") != 1) {
		err = errors.New("not all children ended well")
	}
	if err != nil {
		return 0, nil, fmt.Errorf("%v: %w\n%s", argv, err, out)
	}
	return took, cmd.ProcessState, nil
}

// atOnce measures 200 children at once, and the same through the launcher, with
// the collection of all of them.
func (b *bench) atOnce() error {
	const children, rounds = 200, 7
	times := make([][]time.Duration, len(b.programs)+1)
	processor := make([][]time.Duration, len(times))
	for range rounds {
		for i, p := range b.programs {
			argv, err := crowdOf(p, children, children)
			if err != nil {
				return err
			}
			took, state, err := b.timed(argv, p.environment())
			if err != nil {
				return err
			}
			times[i] = append(times[i], took)
			processor[i] = append(processor[i], state.UserTime()+state.SystemTime())
			if _, err := p.written(); err != nil {
				return err
			}
		}
		argv, err := crowdOf(b.programs[1], children, children)
		if err != nil {
			return err
		}
		argv = append([]string{b.covwrap, "run", "--quiet", "--lcov=" + b.path("lcov"), "--"}, argv...)
		took, state, err := b.timed(argv, environment())
		if err != nil {
			return err
		}
		last := len(b.programs)
		times[last] = append(times[last], took)
		processor[last] = append(processor[last], state.UserTime()+state.SystemTime())
	}
	base := median(times[0])
	for i := range times {
		took := median(times[i])
		name, ratio := "covwrap run, with its tracefile", took.Seconds()/base.Seconds()
		if i < len(b.programs) {
			name = b.programs[i].name
		}
		what, figure := fmt.Sprintf("%d children at once: %s", children, name), fmt.Sprintf("%.2f s", took.Seconds())
		if i > 0 {
			// On a machine that does other things, too, the second one tells more.
			figure += fmt.Sprintf(" (%.2f times uncovered; %.2f times its processor time)", ratio,
				median(processor[i]).Seconds()/median(processor[0]).Seconds())
		}
		if name == "covwrap" {
			b.aim(what, figure, "1.3 times at most", ratio <= 1.3)
		} else {
			b.add(what, figure)
		}
	}
	return nil
}

// together measures many children through the launcher, each with a map of its
// own and all in one.
func (b *bench) together() error {
	const children, atOnce, rounds = 2000, 50, 3
	ways := []string{"off", "on"}
	times := make([][]time.Duration, len(ways))
	argv, err := crowdOf(b.programs[1], children, atOnce)
	if err != nil {
		return err
	}
	for range rounds {
		for i, way := range ways {
			took, _, err := b.timed(append([]string{b.covwrap, "run", "--quiet", "--aggregate=" + way, "--lcov=" + b.path("lcov"), "--"}, argv...), environment())
			if err != nil {
				return err
			}
			times[i] = append(times[i], took)
		}
	}
	for i, way := range ways {
		took := median(times[i])
		b.add(fmt.Sprintf("%d children, %d at once, covwrap run --aggregate=%s", children, atOnce, way), fmt.Sprintf("%.2f s (%s each)", took.Seconds(), ms(took/children)))
	}
	return nil
}

// diskUse is the room that a file or a folder takes on the disk.
func diskUse(name string) int64 {
	var size int64
	var st syscall.Stat_t
	if syscall.Lstat(name, &st) == nil {
		size = st.Blocks * 512
	}
	entries, err := os.ReadDir(name)
	if err != nil {
		return size // no folder, or gone
	}
	for _, e := range entries {
		size += diskUse(name + "/" + e.Name())
	}
	return size
}
