// Command scale generates a repository of many small covered tests, each of
// which starts several processes, and measures what `bazel coverage` costs in
// it: with covwrap, and with plain rules_go.
//
//	bench/run scale [-tests 50] [-children 5] [-functions 20] [-remote [-engine DIR]]
//
// Everything is built first; what is timed is the tests alone, run again with
// nothing cached, several times in turns. docs/scale.md has the results.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// config is what the flags say.
type config struct {
	size   size
	rounds int
	remote bool
	engine string
	keep   string
}

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	var c config
	set := flag.NewFlagSet("scale", flag.ContinueOnError)
	set.SetOutput(stderr)
	set.IntVar(&c.size.tests, "tests", 50, "number of tests")
	set.IntVar(&c.size.children, "children", 5, "processes that each test starts")
	set.IntVar(&c.size.functions, "functions", 20, "functions in the program that they run, of 10 lines each")
	set.IntVar(&c.rounds, "rounds", 3, "how often each variant is run")
	set.BoolVar(&c.remote, "remote", false, "on a remote-execution engine (see e2e/remote) instead of here")
	set.StringVar(&c.engine, "engine", "", "where the engine stores what it has (default: a folder below the cache folder)")
	set.StringVar(&c.keep, "dir", "", "generate in this folder and keep it")
	if err := set.Parse(args); err != nil {
		return 2
	}
	if err := c.measure(stdout, stderr); err != nil {
		fmt.Fprintln(stderr, "scale:", err)
		return 1
	}
	return 0
}

// variant is one kind of repository on one kind of machine.
type variant struct {
	name   string
	dir    string // of the repository
	base   string // output base
	remote bool
	engine string // folder

	seconds  []float64
	cpu      []float64 // seconds of the processor that the tests took here
	sent     []float64 // MB
	received []float64
	outputs  float64 // MB in bazel-testlogs
}

// measure generates, builds, runs and prints the table.
func (c *config) measure(stdout, stderr io.Writer) error {
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	dir := c.keep
	if dir == "" {
		if dir, err = os.MkdirTemp("", "scale"); err != nil {
			return err
		}
		defer os.RemoveAll(dir)
	}
	var variants []*variant
	for _, rules := range []string{"rules_go", "covwrap"} {
		repository := filepath.Join(dir, rules)
		if err := c.size.generate(repository, root, rules == "covwrap"); err != nil {
			return err
		}
		v := &variant{name: rules, dir: repository, base: filepath.Join(dir, rules+".local")}
		if c.remote {
			v.base, v.remote, v.engine = filepath.Join(dir, rules+".remote"), true, c.engine
		}
		variants = append(variants, v)
	}
	defer func() {
		for _, v := range variants {
			v.command(root, "shutdown").Run()
		}
	}()
	for _, v := range variants {
		fmt.Fprintf(stderr, "building %s%s\n", v.name, where(v.remote))
		if _, _, err := v.coverage(root, dir, c.size); err != nil {
			return err
		}
	}
	for round := range c.rounds {
		for _, v := range variants {
			before := v.processorTime()
			seconds, t, err := v.coverage(root, dir, c.size)
			if err != nil {
				return err
			}
			v.cpu = append(v.cpu, v.processorTime()-before)
			fmt.Fprintf(stderr, "round %d: %s%s %.1f s, %.1f s of the processor\n", round+1, v.name, where(v.remote), seconds, v.cpu[round])
			v.seconds = append(v.seconds, seconds)
			v.sent, v.received = append(v.sent, float64(t.Sent)/1e6), append(v.received, float64(t.Received)/1e6)
		}
	}
	fmt.Fprintf(stdout, "%d tests x %d children, %d functions\n\n", c.size.tests, c.size.children, c.size.functions)
	fmt.Fprintf(stdout, "| | seconds | ms a test | processor, ms a test | MB to the engine | MB from it | MB of test outputs here |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	for _, v := range variants {
		s := median(v.seconds)
		fmt.Fprintf(stdout, "| %s%s | %.1f | %.0f | %s | %s | %s | %.2f |\n", v.name, where(v.remote), s, 1000*s/float64(c.size.tests),
			unless(v.remote, "%.0f", 1000*median(v.cpu)/float64(c.size.tests)), megabytes(v.remote, v.sent), megabytes(v.remote, v.received), v.outputs)
	}
	return nil
}

func where(remote bool) string {
	if remote {
		return ", remote"
	}
	return ""
}

func megabytes(remote bool, values []float64) string { return unless(!remote, "%.2f", median(values)) }

// unless formats a value, or nothing where it has no meaning.
func unless(meaningless bool, format string, value float64) string {
	if meaningless {
		return ""
	}
	return fmt.Sprintf(format, value)
}

// processorTime returns the seconds that all processes have taken so far that
// the variant's Bazel server has started and waited for: on a busy machine
// wall time says more about the others. 0 where there is no /proc.
func (v *variant) processorTime() float64 {
	pid, _ := os.ReadFile(filepath.Join(v.base, "server", "server.pid.txt"))
	text, _ := os.ReadFile(filepath.Join("/proc", strings.TrimSpace(string(pid)), "stat"))
	// man 5 proc_pid_stat: behind the name come the fields from the third on; 16 and 17 are meant, in 1/100 s.
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) < 15 {
		return 0
	}
	user, _ := strconv.Atoi(fields[13])
	system, _ := strconv.Atoi(fields[14])
	return float64(user+system) / 100
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// traffic is what the engine's proxy counted.
type traffic struct{ Sent, Received int64 }

// command prepares a Bazel command.
func (v *variant) command(root, command string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(root, "bazelw"), append([]string{"--output_base=" + v.base, command}, args...)...)
	cmd.Dir = v.dir
	return cmd
}

// coverage runs all tests, whatever is cached, and returns the wall time.
func (v *variant) coverage(root, scratch string, size size) (float64, traffic, error) {
	var t traffic
	flags := []string{"--nocache_test_results", "--color=no", "--curses=no", "--show_progress_rate_limit=60", "--combined_report=lcov",
		"--coverage_output_generator=@covwrap//tools/covwrap:lcov_merger", "--coverage_report_generator=@covwrap//tools/covwrap:report_generator",
		"--instrumentation_filter=^//", "--incompatible_strict_action_env", "--test_output=errors",
		// One would be written while the tests are timed, and is no use to what runs again anyway.
		"--disk_cache=", fmt.Sprintf("--test_env=SCALE_CHILDREN=%d", size.children)}
	for _, folder := range size.folders() {
		flags = append(flags, "//"+folder+":all")
	}
	cmd := v.command(root, "coverage", flags...)
	counts := filepath.Join(scratch, "traffic.json")
	if v.remote {
		remote := append([]string{"run", "-C", filepath.Join(root, "e2e/remote"), "./start", "-dir=" + v.engine, "-json=" + counts, "-C=" + v.dir, "--"}, cmd.Args...)
		remote = append(remote, "--remote_executor={}")
		cmd = exec.Command("go", remote...)
		cmd.Env = append(os.Environ(), "GOFLAGS=")
	}
	began := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		return 0, t, fmt.Errorf("%s%s: %w\n%s", v.name, where(v.remote), err, out)
	}
	seconds := time.Since(began).Seconds()
	if v.remote {
		data, err := os.ReadFile(counts)
		if err != nil {
			return 0, t, err
		}
		var r struct {
			traffic
			Seconds float64
		}
		if err := json.Unmarshal(data, &r); err != nil {
			return 0, t, err
		}
		t, seconds = r.traffic, r.Seconds
	}
	var err error
	v.outputs, err = v.left(size)
	return seconds, t, err
}

// left returns the MB of what the tests left on this machine.
func (v *variant) left(size size) (float64, error) {
	var total int64
	for _, folder := range size.folders() {
		logs := filepath.Join(v.base, "execroot/_main/bazel-out/k8-fastbuild/testlogs", folder)
		err := filepath.WalkDir(logs, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() || strings.Contains(path, "/_coverage/") {
				return err
			}
			info, err := d.Info()
			if err == nil {
				total += info.Size()
			}
			return err
		})
		if err != nil {
			return 0, err
		}
	}
	return float64(total) / 1e6, nil
}
