// Command merge compares covwrap's merger with Bazel's own, a Java program, on
// generated tracefiles, and prints a table of ratios:
//
//	go run ./bench/merge            both, on what Bazel's can do in reasonable time
//	go run ./bench/merge -large     also the corpora that are only for ours
//
// Bazel's merger is compiled from Debian's sources on first use (see
// bazel-merger); without Debian or a JDK only ours is measured.
//
// "reading" is the time to read all inputs once and look at each byte, with as
// many threads as there are processors: no merger can be faster. "of reading"
// is how many times as much processor time covwrap takes, which a busy machine
// blurs less than it does times.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/covwrap/covwrap/bench/merge/corpus"
)

// benchmark is one row of the table.
type benchmark struct {
	name  string
	what  string
	spec  corpus.Spec
	java  bool // Bazel's merger can do it
	large bool // only with -large
}

var benchmarks = []benchmark{
	{"one small file", "1 tracefile of 1 MB", corpus.Spec{Files: 1, Records: 500, Lines: 198}, true, false},
	{"files in common", "200 tracefiles, the same 500 source files in each", corpus.Spec{Files: 200, Records: 500, Lines: 198}, true, false},
	{"many tests", "5,000 tracefiles of 200 KB", corpus.Spec{Files: 5000, Records: 100, Lines: 195}, false, true},
	{"one large file", "1 tracefile of 1 GB, 5,000 source files", corpus.Spec{Files: 1, Records: 480_000, Lines: 198, Cycle: 5000}, false, true},
	{"many source files", "2,000,000 source files of 2 lines", corpus.Spec{Files: 4, Records: 500_000, Lines: 2, Distinct: 500_000}, false, true},
	{"long lines", "function names of 1 MB", corpus.Spec{Files: 4, Records: 20, Lines: 20, LongLine: 1 << 20}, true, true},
}

func main() {
	runs := flag.Int("n", 5, "runs per measurement; the median counts")
	large := flag.Bool("large", false, "also corpora of 1 GB")
	cache := flag.String("bazel-merger", "", "folder to keep Bazel's compiled merger in (default: the user's cache folder)")
	work := flag.String("dir", "", "folder for the corpora (default: a temporary one)")
	read := flag.String("read", "", "only read the files that this `LIST` names, once: what the others are compared with")
	flag.Parse()
	if *read != "" {
		if err := readList(*read); err != nil {
			fmt.Fprintln(os.Stderr, "bench/merge:", err)
			os.Exit(1)
		}
		return
	}
	if err := run(*runs, *large, *cache, *work); err != nil {
		fmt.Fprintln(os.Stderr, "bench/merge:", err)
		os.Exit(1)
	}
}

func run(runs int, large bool, cache, work string) error {
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(work, "covwrap-bench-merge-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	ours := filepath.Join(dir, "lcov_merger")
	build := exec.Command("go", "build", "-o", ours, "./tools/covwrap/lcov_merger")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %v\n%s", err, out)
	}
	java := bazelMerger(root, cache)

	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "corpus\tMB\treading\tcovwrap\tof reading\tMB of memory\tBazel's\tMB of memory\ttimes faster\ttimes less memory\t")
	for _, b := range benchmarks {
		if b.large && !large {
			continue
		}
		fmt.Fprintf(os.Stderr, "%s: %s\n", b.name, b.what)
		if err := row(w, b, runs, dir, ours, java); err != nil {
			return fmt.Errorf("%s: %w", b.name, err)
		}
	}
	return w.Flush()
}

// row makes a corpus, measures, and writes one line of the table.
func row(w *tabwriter.Writer, b benchmark, runs int, dir, ours, java string) error {
	data := filepath.Join(dir, "corpus")
	defer os.RemoveAll(data)
	paths, size, err := b.spec.Write(data)
	if err != nil {
		return err
	}
	list := filepath.Join(dir, "list")
	if err := os.WriteFile(list, []byte(strings.Join(paths, "\n")), 0o666); err != nil {
		return err
	}
	out := func(who string) string { return filepath.Join(dir, who+".dat") }
	args := func(who string) []string { return []string{"--reports_file=" + list, "--output_file=" + out(who)} }

	self, err := os.Executable()
	if err != nil {
		return err
	}
	reading, err := measure(runs, self, "-read="+list)
	if err != nil {
		return err
	}
	us, err := measure(runs, ours, args("ours")...)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%.1f\t%.0f\t", b.name, size/1e6, show(reading.time), show(us.time), float64(us.processor)/float64(reading.processor), us.megabytes)
	if java == "" || !b.java {
		fmt.Fprintln(w, "-\t-\t-\t-\t")
		return nil
	}
	them, err := measure(min(runs, 3), java, args("bazel")...)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%s\t%.0f\t%.0f\t%.0f\t\n", show(them.time), them.megabytes, float64(them.time)/float64(us.time), them.megabytes/us.megabytes)
	return same(out("ours"), out("bazel"))
}

// show spells a duration with three digits.
func show(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%.3g ms", float64(d)/1e6)
	}
	return fmt.Sprintf("%.3g s", d.Seconds())
}

// same wants two outputs to be equal byte for byte.
func same(a, b string) error {
	x, err := os.ReadFile(a)
	if err != nil {
		return err
	}
	y, err := os.ReadFile(b)
	if err != nil {
		return err
	}
	if !bytes.Equal(x, y) {
		return errors.New("covwrap's result differs from Bazel's")
	}
	return nil
}

// measurement is the median time, by the clock and of all processors, and the
// largest memory of a command's runs.
type measurement struct {
	time, processor time.Duration
	megabytes       float64
}

// measure runs a command.
func measure(runs int, name string, args ...string) (measurement, error) {
	var m measurement
	var times, processor []time.Duration
	for range runs {
		cmd := exec.Command(name, args...)
		t := time.Now()
		if out, err := cmd.CombinedOutput(); err != nil {
			return m, fmt.Errorf("%s: %v\n%s", name, err, out)
		}
		times = append(times, time.Since(t))
		processor = append(processor, cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())
		m.megabytes = max(m.megabytes, memory(cmd.ProcessState))
	}
	m.time, m.processor = median(times), median(processor)
	return m, nil
}

// median sorts its argument.
func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

// readList reads the files that a list names.
func readList(list string) error {
	text, err := os.ReadFile(list)
	if err != nil {
		return err
	}
	return readOnce(strings.Fields(string(text)))
}

// readOnce reads files in parallel and looks at every byte.
func readOnce(paths []string) error {
	work := make(chan string)
	type result struct {
		sum int
		err error
	}
	results := make(chan result)
	workers := runtime.GOMAXPROCS(0)
	for range workers {
		go func() {
			var r result
			buf := make([]byte, 256<<10)
			for path := range work {
				n, err := readFile(path, buf)
				r.sum += n
				r.err = errors.Join(r.err, err)
			}
			results <- r
		}()
	}
	for _, path := range paths {
		work <- path
	}
	close(work)
	var err error
	sum := 0
	for range workers {
		r := <-results
		sum += r.sum
		err = errors.Join(err, r.err)
	}
	// The sum is used, lest the compiler leave out the loop that is measured.
	if sum == 0 {
		err = errors.Join(err, errors.New("the corpus has no bytes"))
	}
	return err
}

// readFile adds up the bytes of a file.
func readFile(path string, buf []byte) (int, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	sum := 0
	for {
		n, err := f.Read(buf)
		for _, b := range buf[:n] {
			sum += int(b)
		}
		if n == 0 || err != nil {
			return sum, nil
		}
	}
}

// moduleRoot is the folder of go.mod.
func moduleRoot() (string, error) {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOMOD: %w", err)
	}
	mod := strings.TrimSpace(string(out))
	if filepath.Base(mod) != "go.mod" {
		return "", errors.New("not within covwrap's module; run it as: go run ./bench/merge")
	}
	return filepath.Dir(mod), nil
}

// bazelMerger returns the command of Bazel's merger, or "" where it cannot be
// had, after saying why.
func bazelMerger(root, cache string) string {
	if cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			fmt.Fprintln(os.Stderr, "bench/merge: Bazel's merger is not measured:", err)
			return ""
		}
		cache = filepath.Join(user, "covwrap", "bazel-merger")
	}
	cmd := exec.Command(filepath.Join(root, "bench", "merge", "bazel-merger"), cache)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench/merge: Bazel's merger is not measured:", err)
		return ""
	}
	return strings.TrimSpace(string(out))
}
