//go:build linux

package plain

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// child is one of many: it loops as often as its number says, and ends as that
// says. The number 0 waits for the end of its input first; a negative one
// becomes another image of itself.
const child = `package main

import (
	"io"
	"os"
	"strconv"
	"syscall"
)

func main() {
	n, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}
	if n == 0 {
		os.Stdout.WriteString("ready\n")
		io.Copy(io.Discard, os.Stdin)
	}
	if n < 0 {
		loop(-n)
		syscall.Exec(os.Args[0], []string{os.Args[0], strconv.Itoa(-n)}, os.Environ())
	}
	loop(n)
	switch n % 4 {
	case 1:
		os.Exit(3)
	case 2:
		panic("as asked")
	case 3:
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

func loop(n int) {
	for range n {
		sum++
	}
}

var sum int
`

// The blocks of child by what they count.
const (
	mainBlock = "example.com/m/main.go:10.13,12.16 2"
	loopBlock = "example.com/m/main.go:36.14,38.3 1"
	killBlock = "example.com/m/main.go:29.9,31.10 2"
)

func childModule(t *testing.T, mode string) string {
	dir := folder(t)
	write(t, dir, map[string]string{"go.mod": "module example.com/m\n\ngo 1.24\n", "main.go": child})
	must(t, dir, nil, covwrap, "go", "build", "-covermode="+mode, "-o", "x", ".")
	return dir
}

// hold starts a program that waits, and returns what ends it.
func hold(name string, args ...string) (release func() error, err error) {
	p := &program{Cmd: exec.Command(name, args...)}
	in, err := p.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := p.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = reader(out)
	if err := p.Start(); err != nil {
		return nil, err
	}
	if len(args) > 0 {
		if _, err := p.until("ready"); err != nil {
			return nil, err
		}
	}
	return func() error { in.Close(); return p.Wait() }, nil
}

// crowd runs the program with the numbers from first to last, atOnce at a time.
func crowd(x string, first, last, atOnce int) error {
	var group sync.WaitGroup
	slots, failed := make(chan bool, atOnce), make(chan error, last-first+1)
	for n := first; n <= last; n++ {
		slots <- true
		group.Add(1)
		go func() {
			defer func() { <-slots; group.Done() }()
			var exit *exec.ExitError
			if err := exec.Command(x, strconv.Itoa(n)).Run(); err != nil && !errors.As(err, &exit) {
				failed <- err
			}
		}()
	}
	group.Wait()
	close(failed)
	return <-failed
}

// appear waits for a file of the profile directory.
func appear(pattern string) (name string, err error) {
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if names, err := filepath.Glob(filepath.Join(os.Getenv("COVWRAP_DIR"), pattern)); err != nil || len(names) > 0 {
			return names[0], err
		}
	}
	return "", fmt.Errorf("no file %s has appeared", pattern)
}

func init() {
	// Many processes that count together, beside one that ran before. Arguments:
	// program, how many, how many at once.
	scenarios["together"] = func(args []string) error {
		last, _ := strconv.Atoi(args[1])
		atOnce, _ := strconv.Atoi(args[2])
		release, err := hold(args[0], "0")
		if err != nil {
			return err
		}
		if _, err := appear("covagg.*"); err != nil {
			return err
		}
		return errors.Join(crowd(args[0], 1, last, atOnce), release())
	}
	// Many, of which the first thousand have maps of their own, and the last five
	// hundred count together.
	scenarios["from-a-thousand"] = func(args []string) error {
		if err := crowd(args[0], 1, 1500, 50); err != nil {
			return err
		}
		if _, err := appear("covagg.*"); err != nil {
			return err
		}
		return crowd(args[0], 1501, 2000, 50)
	}
}

// account is what the ledger says of processes.
type account struct {
	Spawned, Covered, Collected int
	Children                    []struct {
		PID, Processes, BlocksCovered int
		Exe, Collected                string
		Argv                          []string
	}
	Binaries []struct{ Processes int }
	LeftOut  []any `json:"left_out"`
	Trouble  []any
}

// together returns how many processes counted together and how many alone.
func (a *account) together() (together, alone int) {
	for _, c := range a.Children {
		if c.Collected == "aggregate" {
			together += c.Processes
		} else {
			alone++
		}
	}
	return together, alone
}

func readAccount(t *testing.T, name string) *account {
	t.Helper()
	var a account
	if err := json.Unmarshal([]byte(read(t, name)), &a); err != nil {
		t.Fatal(err)
	}
	if len(a.LeftOut) > 0 || len(a.Trouble) > 0 {
		t.Errorf("left out %v, trouble %v", a.LeftOut, a.Trouble)
	}
	return &a
}

// TestAggregate: two thousand processes, two hundred at once, whatever ends
// them: exact to the last increment, and all accounted for.
func TestAggregate(t *testing.T) {
	const n = 2000
	for _, c := range []struct {
		name, mode, aggregate, scenario string
		all, alone, atMost              int
	}{
		{"atomic", "atomic", "on", "together", n + 1, 1, 1},
		{"set", "set", "on", "together", n + 1, 1, 1},
		// Processes are collected by the hundred, and there are those that run.
		{"auto", "atomic", "auto", "from-a-thousand", n, 1000, 1500},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := childModule(t, c.mode)
			must(t, dir, scenario(c.scenario), covwrap, "run", "--quiet", "--aggregate="+c.aggregate, "--profile=p", "--lcov=lcov", "--json=l", "--gocoverdir=g", "--", self, filepath.Join(dir, "x"), strconv.Itoa(n), "200")
			want := []uint64{uint64(c.all), n * (n + 1) / 2, n / 4}
			loops := strconv.Itoa(n * (n + 1) / 2)
			if c.mode == "set" {
				want, loops = []uint64{1, 1, 1}, "1"
			}
			if l := read(t, filepath.Join(dir, "lcov")); !strings.Contains(l, "\nDA:37,"+loops+"\n") {
				t.Errorf("%s\nwant %s loops", l, loops)
			}
			p := readProfile(t, filepath.Join(dir, "p"))
			if got := []uint64{p[mainBlock], p[loopBlock], p[killBlock]}; !slices.Equal(got, want) {
				t.Errorf("counts %v, want %v\n%s", got, want, read(t, filepath.Join(dir, "p")))
			}
			// Go's own tool adds up what was kept to the same.
			must(t, dir, nil, "go", "tool", "covdata", "textfmt", "-i=g", "-o=q")
			if q := readProfile(t, filepath.Join(dir, "q")); q[mainBlock] != p[mainBlock] || q[loopBlock] != p[loopBlock] {
				t.Errorf("the kept profiles add up to\n%s", read(t, filepath.Join(dir, "q")))
			}
			a := readAccount(t, filepath.Join(dir, "l"))
			if a.Covered != c.all || a.Collected != c.all || a.Spawned < c.all+1 || len(a.Binaries) != 1 || a.Binaries[0].Processes != c.all {
				t.Errorf("spawned %d, covered %d, collected %d, binaries %+v; want %d processes", a.Spawned, a.Covered, a.Collected, a.Binaries, c.all)
			}
			together, alone := a.together()
			if together+alone != c.all || alone < c.alone || alone > c.atMost {
				t.Errorf("%d together, %d alone; want %d to %d alone of %d", together, alone, c.alone, c.atMost, c.all)
			}
			if len(a.Children) != alone+1 {
				t.Errorf("the ledger has %d entries, want %d", len(a.Children), alone+1)
			}
		})
	}
}

// TestAggregateSame: the tracefile, with its account, is the same to the byte.
func TestAggregateSame(t *testing.T) {
	dir := childModule(t, "atomic")
	var first string
	for _, aggregate := range []string{"off", "on", "auto"} {
		env := scenario("together")
		if aggregate != "on" {
			env = scenario("alone")
		}
		must(t, dir, env, covwrap, "run", "--quiet", "--aggregate="+aggregate, "--lcov=l", "--html=html", "--", self, filepath.Join(dir, "x"), "100", "10")
		l := read(t, filepath.Join(dir, "l"))
		if first == "" {
			first = l
		}
		if l != first || !strings.HasPrefix(l, "#covwrap spawned=102 covered=101 collected=101\n") || !strings.Contains(l, "\nDA:37,5050\n") {
			t.Errorf("--aggregate=%s:\n%s\noff:\n%s", aggregate, l, first)
		}
	}
	if page := read(t, filepath.Join(dir, "html", "index.html")); !strings.Contains(page, "main.go") {
		t.Errorf("index.html:\n%s", page)
	}
}

func init() {
	scenarios["alone"] = func(args []string) error {
		release, err := hold(args[0], "0")
		if err != nil {
			return err
		}
		return errors.Join(crowd(args[0], 1, 100, 10), release())
	}

	// A process that becomes another image of itself, one with the rights of
	// nobody, and a copy of the program. Arguments: program.
	scenarios["several"] = func(args []string) error {
		release, err := hold(args[0], "0")
		if err != nil {
			return err
		}
		if _, err := appear("covagg.*"); err != nil {
			return err
		}
		if err := exec.Command(args[0], "-4").Run(); err != nil {
			return err
		}
		nobody := exec.Command(args[0], "8")
		nobody.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		if os.Geteuid() != 0 {
			nobody.SysProcAttr = nil
		}
		return errors.Join(nobody.Run(), exec.Command(args[0]+".copy", "12").Run(), release())
	}
}

// TestAggregateSeveral: images of one process, other users, other files.
func TestAggregateSeveral(t *testing.T) {
	dir := childModule(t, "atomic")
	x := filepath.Join(dir, "x")
	for name := dir; name != "/"; name = filepath.Dir(name) {
		if info, err := os.Stat(name); err == nil && info.Mode().Perm()&0o001 == 0 {
			os.Chmod(name, info.Mode().Perm()|0o055) // for nobody; folders of this test
		}
	}
	data, err := os.ReadFile(x)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(x+".copy", data, 0o755); err != nil {
		t.Fatal(err)
	}
	must(t, dir, scenario("several"), covwrap, "run", "--quiet", "--aggregate=on", "--profile=p", "--json=l", "--", self, x)
	p := readProfile(t, filepath.Join(dir, "p"))
	if p[mainBlock] != 5 || p[loopBlock] != 4+4+8+12 {
		t.Errorf("%d images, %d loops; want 5, 28", p[mainBlock], p[loopBlock])
	}
	a := readAccount(t, filepath.Join(dir, "l"))
	if together, alone := a.together(); a.Covered != 5 || a.Collected != 5 || together != 3 || alone != 2 {
		t.Errorf("%+v; want 3 images together and 2 processes alone", a)
	}
}

func init() {
	// As the scenario "phases", with processes that count together. Arguments:
	// folder of the program, covwrap.
	scenarios["phases-together"] = func(args []string) error {
		release, err := hold(filepath.Join(args[0], "x"))
		if err != nil {
			return err
		}
		if _, err := appear("covagg.*"); err != nil {
			return err
		}
		return errors.Join(phasesScenario(args), release())
	}
	// What was counted before a reset is gone. Arguments: as before.
	scenarios["reset-together"] = func(args []string) error {
		x := filepath.Join(args[0], "x")
		release, err := hold(x)
		if err != nil {
			return err
		}
		if _, err := appear("covagg.*"); err != nil {
			return err
		}
		do := func(things string) error {
			cmd := exec.Command(x)
			cmd.Stdin = strings.NewReader(things)
			return cmd.Run()
		}
		return errors.Join(do("a\na\n"), exec.Command(args[1], "reset").Run(), do("b\n"), do("b\nb\n"), release())
	}
}

// TestAggregatePhases: a map of many processes is divided by phase as those of
// single ones are.
func TestAggregatePhases(t *testing.T) {
	for _, c := range []struct{ mode, start, one, two, all, reset string }{
		{"atomic", "1 0 1 0", "2 3 2 3", "1 3 1 3", "4 6 4 6", "0 3 0 3"},
		{"set", "1 0 1 0", "1 1 1 1", "1 1 1 1", "1 1 1 1", "0 1 0 1"},
	} {
		t.Run(c.mode, func(t *testing.T) {
			dir := interactiveModule(t, c.mode)
			must(t, dir, scenario("phases-together"), covwrap, "run", "--aggregate=on", "--profile=all.out", "--phases=phases", "--json=l", "--", self, dir, covwrap)
			for name, want := range map[string]string{"all": c.all, "phases/(start)": c.start, "phases/one": c.one, "phases/two words": c.two} {
				if got := counts(t, filepath.Join(dir, name+".out")); got != want {
					t.Errorf("%s: %s, want %s", name, got, want)
				}
			}
			if together, alone := readAccount(t, filepath.Join(dir, "l")).together(); together != 3 || alone != 1 {
				t.Errorf("%d together, %d alone; want 3, 1", together, alone)
			}
			must(t, dir, scenario("reset-together"), covwrap, "run", "--aggregate=on", "--profile=reset.out", "--json=l", "--", self, dir, covwrap)
			if got := counts(t, filepath.Join(dir, "reset.out")); got != c.reset {
				t.Errorf("after a reset: %s, want %s", got, c.reset)
			}
			readAccount(t, filepath.Join(dir, "l"))
		})
	}
}

func init() {
	// Looks at processes that count together while they run, and takes a copy of
	// the profile directory. Arguments: folder of the program, covwrap.
	scenarios["look-together"] = func(args []string) error {
		dir, covwrap := args[0], args[1]
		release, err := hold(filepath.Join(dir, "x"), "0")
		if err != nil {
			return err
		}
		if _, err := appear("covagg.*"); err != nil {
			return err
		}
		if err := crowd(filepath.Join(dir, "x"), 1, 7, 1); err != nil {
			return err
		}
		release2, err := hold(filepath.Join(dir, "x"), "0")
		if err != nil {
			return err
		}
		release3, err := hold(filepath.Join(dir, "x"), "0")
		if err != nil {
			return err
		}
		out, err := exec.Command(covwrap, "snapshot", "--profile="+filepath.Join(dir, "snap")).CombinedOutput()
		err = errors.Join(err, os.WriteFile(filepath.Join(dir, "snap.txt"), out, 0o666))
		err = errors.Join(err, exec.Command("cp", "-r", os.Getenv("COVWRAP_DIR"), filepath.Join(dir, "copy")).Run())
		return errors.Join(err, release(), release2(), release3())
	}
}

// TestAggregateLook: a snapshot has the processes that count together as one, and
// a profile directory that was left as it is can be read.
func TestAggregateLook(t *testing.T) {
	dir := childModule(t, "atomic")
	must(t, dir, scenario("look-together"), covwrap, "run", "--quiet", "--aggregate=on", "--profile=p", "--", self, dir, covwrap)
	out := read(t, filepath.Join(dir, "snap.txt"))
	want := regexp.MustCompile(`^ +2 together  +[0-9.]+%  +[0-9]+ of [0-9]+ statements +/\S*/x\n +[0-9]+ +[0-9.]+%.*x 0\n +all +[0-9.]+% .* 3 processes\n$`)
	if !want.MatchString(out) {
		t.Errorf("snapshot printed\n%swant\n%s", out, want)
	}
	for name, calls := range map[string]uint64{"snap": 10, "p": 10} {
		if p := readProfile(t, filepath.Join(dir, name)); p[mainBlock] != calls || p[loopBlock] != 28 {
			t.Errorf("%s: main %d, loops %d; want %d, 28", name, p[mainBlock], p[loopBlock], calls)
		}
	}
	must(t, dir, nil, covwrap, "merge", "--format=lcov", "-o", "merged", "copy")
	if l := read(t, filepath.Join(dir, "merged")); !strings.Contains(l, "\nDA:37,28\n") {
		t.Errorf("from the profile directory:\n%s", l)
	}
}

func init() {
	// A counter that many processes have brought near its limit, again and again.
	// Arguments: program.
	scenarios["brim"] = func(args []string) error {
		release, err := hold(args[0], "0")
		if err != nil {
			return err
		}
		name, err := appear("covagg.*")
		if err != nil {
			return err
		}
		if err := exec.Command(args[0], "4").Run(); err != nil {
			return err
		}
		f, err := os.OpenFile(name, os.O_RDWR, 0)
		if err != nil {
			return err
		}
		defer f.Close()
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		// The function with two counters that ran once and looped four times.
		at := 0
		for i := 0; i+20 <= len(data); i += 4 {
			if binary.NativeEndian.Uint32(data[i:]) == 2 && binary.NativeEndian.Uint32(data[i+12:]) == 1 && binary.NativeEndian.Uint32(data[i+16:]) == 4 {
				at = i + 16
			}
		}
		if at == 0 {
			return errors.New("the counter of the loop is not in the map")
		}
		for i := range 3 {
			var word [4]byte
			if _, err := f.ReadAt(word[:], int64(at)); err != nil {
				return err
			}
			binary.NativeEndian.PutUint32(word[:], binary.NativeEndian.Uint32(word[:])+3_000_000_000)
			if _, err := f.WriteAt(word[:], int64(at)); err != nil {
				return err
			}
			for end := time.Now().Add(2 * time.Minute); binary.NativeEndian.Uint32(word[:]) != 0; time.Sleep(10 * time.Millisecond) {
				if _, err := f.ReadAt(word[:], int64(at)); err != nil {
					return err
				}
				if time.Now().After(end) {
					return fmt.Errorf("the counter was not relieved for the time %d", i)
				}
			}
			if err := exec.Command(args[0], "8").Run(); err != nil {
				return err
			}
		}
		return release()
	}
}

// TestAggregateBrim: together, processes may count more than a counter holds.
func TestAggregateBrim(t *testing.T) {
	dir := childModule(t, "atomic")
	must(t, dir, scenario("brim"), covwrap, "run", "--quiet", "--aggregate=on", "--lcov=lcov", "--json=l", "--", self, filepath.Join(dir, "x"))
	if l := read(t, filepath.Join(dir, "lcov")); !strings.Contains(l, "\nDA:11,5\n") || !strings.Contains(l, "\nDA:37,9000000028\n") {
		t.Errorf("%s\nwant 5 calls of main and 9000000028 loops", l)
	}
	if together, alone := readAccount(t, filepath.Join(dir, "l")).together(); together != 4 || alone != 1 {
		t.Errorf("%d together, %d alone; want 4, 1", together, alone)
	}
}

// TestAggregateRefused: a value that is none.
func TestAggregateRefused(t *testing.T) {
	want := result{"", "covwrap run: --aggregate=\"yes\" is none of off, auto, on; \"covwrap run -h\" explains the command\n", 2}
	if r := try(t, folder(t), nil, covwrap, "run", "--aggregate=yes", "true"); r != want {
		t.Errorf("%+v, want %+v", r, want)
	}
}
