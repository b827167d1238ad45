package runner_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/covwrap/covwrap/tools/covwrap/internal/ledger"
)

// everyEnd runs the programs in every way that needs no other process. Each is
// an orphan, which the launcher adopts: then it knows how they ended without
// having had to be faster than a shell that waits for them. $(...) lasts until
// nobody holds the pipe any more.
const everyEnd = `
run() { : $( ("$@" </dev/null 2>&1 &) ); }
for a in return status panic kill self sleep; do run ./mapped $a; done
run ./second
run ./mapped wait
run ./stock return
exit 0`

const everyTracefile = `#covwrap spawned=11 covered=10 collected=10
SF:lib/lib.go
FN:5,Sum
FN:14,Unused
FNDA:10,Sum
FNDA:0,Unused
FNF:2
FNH:1
DA:5,10
DA:6,10
DA:7,68
DA:8,68
DA:9,68
DA:10,10
DA:14,0
DA:15,0
DA:16,0
LF:9
LH:6
end_of_record
SF:main.go
FN:12,main
FN:17,end
FNDA:9,main
FNDA:9,end
FNF:2
FNH:2
DA:12,9
DA:13,9
DA:14,9
DA:15,9
DA:17,9
DA:18,9
DA:19,3
DA:20,3
DA:21,1
DA:22,1
DA:23,1
DA:24,1
DA:25,1
DA:26,1
DA:27,1
DA:28,1
DA:29,1
DA:30,1
DA:31,1
DA:32,1
DA:33,1
DA:34,1
DA:36,0
LF:23
LH:22
end_of_record
SF:other/main.go
FN:12,main
FNDA:1,main
FNF:1
FNH:1
DA:12,1
DA:13,1
DA:14,1
DA:15,0
DA:16,0
DA:17,0
DA:18,0
LF:7
LH:3
end_of_record
`

const everyProfile = `mode: count
example.com/prog/lib/lib.go:5.21,7.19 2 10
example.com/prog/lib/lib.go:7.19,9.3 1 68
example.com/prog/lib/lib.go:10.2,10.10 1 10
example.com/prog/lib/lib.go:14.22,16.2 1 0
example.com/prog/main.go:12.13,15.2 2 9
example.com/prog/main.go:17.26,18.13 1 9
example.com/prog/main.go:19.16,20.11 1 3
example.com/prog/main.go:21.16,22.11 1 1
example.com/prog/main.go:23.15,24.20 1 1
example.com/prog/main.go:25.14,26.45 1 1
example.com/prog/main.go:27.14,28.75 1 1
example.com/prog/main.go:29.15,30.60 1 1
example.com/prog/main.go:31.14,34.11 3 1
example.com/prog/main.go:36.2,36.10 1 0
example.com/prog/other/main.go:12.13,14.22 2 1
example.com/prog/other/main.go:14.22,18.3 3 0
`

// TestEveryEnd: exact counts of processes that ended in every way, as lines, as
// blocks, and as Go's own tools see the profiles of the single processes.
func TestEveryEnd(t *testing.T) {
	got, cmd := runScript(t, everyEnd)
	if got.status != "exit 0" || got.out != "" {
		t.Errorf("%+v", got)
	}
	if l := read(t, filepath.Join(cmd.Dir, "l.info")); l != everyTracefile {
		t.Errorf("tracefile:\n%s\nwant:\n%s", l, everyTracefile)
	}
	if p := read(t, filepath.Join(cmd.Dir, "p.txt")); p != everyProfile {
		t.Errorf("profile:\n%s\nwant:\n%s", p, everyProfile)
	}
	// The sum of the kept profiles is the whole.
	goTool(t, cmd.Dir, "covdata", "textfmt", "-i=gcd", "-o=sum.txt")
	if p := sorted(read(t, filepath.Join(cmd.Dir, "sum.txt"))); p != sorted(everyProfile) {
		t.Errorf("sum of the single profiles by Go's own tool:\n%s\nwant:\n%s", p, everyProfile)
	}
	want := "\texample.com/prog\t\tcoverage: 92.3% of statements\n\texample.com/prog/lib\t\tcoverage: 80.0% of statements\n\texample.com/prog/other\t\tcoverage: 40.0% of statements\n"
	if p := goTool(t, cmd.Dir, "covdata", "percent", "-i=gcd"); p != want {
		t.Errorf("go tool covdata percent:\n%s\nwant:\n%s", p, want)
	}

	l := readLedger(t, filepath.Join(cmd.Dir, "ledger.json"))
	var children []string
	for _, c := range l.Children {
		argv := strings.Join(c.Argv, " ")
		children = append(children, fmt.Sprintf("%s: %s, %s, %d blocks, %d only here", argv, c.Collected, ending(c.Ended), c.BlocksCovered, c.BlocksOnlyHere))
		// Each profile by itself has what the ledger says.
		one := filepath.Join(t.TempDir(), "one")
		for _, f := range []string{"covmeta." + c.Binary, c.Profile} {
			write(t, filepath.Join(one, f), read(t, filepath.Join(cmd.Dir, "gcd", f)))
		}
		goTool(t, one, "covdata", "textfmt", "-i=.", "-o=text")
		if n := len(regexp.MustCompile(`(?m) [1-9]\d* [1-9]\d*$`).FindAllString(read(t, filepath.Join(one, "text")), -1)); n != c.BlocksCovered {
			t.Errorf("%s: its profile has %d covered blocks, the ledger says %d", argv, n, c.BlocksCovered)
		}
	}
	wantChildren := []string{
		"./mapped return: map, exit 0, 6 blocks, 0 only here",
		"./mapped status: map, exit 3, 6 blocks, 1 only here",
		"./mapped panic: map, exit 2, 6 blocks, 1 only here",
		"./mapped kill: map, SIGKILL, 6 blocks, 1 only here",
		"./mapped self: map, exec, 6 blocks, 1 only here",
		"prog return: map, exit 0, 6 blocks, 0 only here",
		"./mapped sleep: map, exec, 6 blocks, 1 only here",
		"./second: map, exit 0, 4 blocks, 1 only here",
		"./mapped wait: map, exit 9, 6 blocks, 1 only here",
		"./stock return: stock, exit 0, 6 blocks, 0 only here",
	}
	if !reflect.DeepEqual(children, wantChildren) {
		t.Errorf("children:\n%s\nwant:\n%s", strings.Join(children, "\n"), strings.Join(wantChildren, "\n"))
	}
	if l.Outcome != ledger.Passed || l.Covered != 10 || l.Collected != 10 || l.Spawned < 11 || len(l.LeftOut) != 0 || len(l.Trouble) != 0 {
		t.Errorf("%+v", l)
	}
	var binaries []string
	for _, b := range l.Binaries {
		binaries = append(binaries, fmt.Sprintf("%s %s %d/%d blocks, %d processes", filepath.Base(b.Exe), b.Mode, b.BlocksCovered, b.Blocks, b.Processes))
	}
	if want := []string{"mapped count 12/14 blocks, 9 processes", "second count 4/6 blocks, 1 processes"}; !reflect.DeepEqual(binaries, want) {
		t.Errorf("binaries %q, want %q", binaries, want)
	}
}

// endsAreKnown says that the kernel (Linux 6.16) tells the launcher how a process
// ended for which a shell waited, however quick the two were.
func endsAreKnown() bool {
	var major, minor int
	release, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	_, err := fmt.Sscanf(string(release), "%d.%d", &major, &minor)
	return err == nil && (major > 6 || major == 6 && minor >= 16)
}

// ending spells how a process ended.
func ending(e ledger.Ended) string {
	s := e.How
	if e.Signal != "" {
		s = e.Signal
	}
	if e.Code != nil {
		s += fmt.Sprintf(" %d", *e.Code)
	}
	if e.ByUs {
		s += " by us"
	}
	return s
}

// sorted returns a text with its lines in order: Go's tool takes binaries in a
// random one.
func sorted(text string) string {
	lines := strings.Split(text, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func goTool(t testing.TB, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("go", append([]string{"tool"}, args...)...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, out)
	}
	return string(out)
}

// TestSameBytes: what a program prints and how it ends is what the same program
// without coverage prints and how it ends.
func TestSameBytes(t *testing.T) {
	for _, how := range []string{"return", "status", "panic", "kill", "self", "sleep", "wait", "unknown"} {
		var got [2]string
		for i, p := range []string{"plain", "mapped"} {
			r, cmd := runScript(t, "exec ./"+p+" "+how+" </dev/null", "--quiet")
			text := fmt.Sprintf("%+v", r)
			text = regexp.MustCompile(`(?m)^goroutine 1[^$]*|\{status:exit 9 out:\d+`).ReplaceAllString(text, "")
			got[i] = strings.ReplaceAll(text, cmd.Dir, "")
		}
		if got[0] != got[1] {
			t.Errorf("%s: without coverage\n%s\nwith\n%s", how, got[0], got[1])
		}
	}
}

// TestDaemon: a covered process that is still running when the test ends.
func TestDaemon(t *testing.T) {
	got, cmd := runScript(t, `mkfifo never; setsid ./mapped wait <>never >ready & while ! [ -s ready ]; do sleep 0.01; done; exit 5`, "--grace=100ms")
	if got.status != "exit 5" {
		t.Errorf("%+v", got)
	}
	l := readLedger(t, filepath.Join(cmd.Dir, "ledger.json"))
	if len(l.Children) != 1 || ending(l.Children[0].Ended) != "SIGTERM by us" || l.Children[0].BlocksCovered != 6 {
		t.Errorf("children %+v, want one that was ended by us after 6 blocks", l.Children)
	}
	if l.Outcome != ledger.Failed {
		t.Errorf("outcome %q, want %q", l.Outcome, ledger.Failed)
	}
}

// TestMany: hundreds of processes at once, of which some are folded while
// others run; the sums are exact, and the folder of profiles, which has no room
// for all, still sums up to them.
func TestMany(t *testing.T) {
	got, cmd := runScript(t, `
# One process lives as long as all others together, and counts at the end.
./second
mkfifo never; exec 9<>never
./second on <&9 >ready & late=$!
while ! [ -s ready ]; do sleep 0.01; done
i=0
while [ $i -lt 1200 ]; do
	for k in 1 2 3 4 5 6 7 8 9 10; do ./mapped return & a=$a\ $!; ./mapped kill & a=$a\ $!; ./set status & a=$a\ $!; done; wait $a; a=
	i=$((i+30))
done 2>/dev/null
echo >&9
wait $late`)
	if got.status != "exit 0" {
		t.Fatalf("%+v", got)
	}
	want := map[string]string{"lib.go:5.21,7.19": "2 1203", "lib.go:7.19,9.3": "1 6110", "main.go:19.16,20.11": "1 400", "main.go:21.16,22.11": "1 400", "main.go:25.14,26.45": "1 400", "main.go:27.14,28.75": "1 0"}
	check := func(name string, want map[string]string) {
		t.Helper()
		text := read(t, filepath.Join(cmd.Dir, name))
		for block, n := range want {
			if !strings.Contains(text, block+" "+n+"\n") {
				t.Errorf("%s: want %s %s in\n%s", name, block, n, text)
			}
		}
	}
	check("p.txt", want) // 800 x 7 rounds + 400 x 1 in mode set + 5 + 5 + 100
	if err := os.Mkdir(filepath.Join(cmd.Dir, "count"), 0o777); err != nil {
		t.Fatal(err)
	}
	l := readLedger(t, filepath.Join(cmd.Dir, "ledger.json"))
	if l.Collected != 1202 || l.Covered != 1202 || len(l.LeftOut) != 0 || len(l.Trouble) != 0 {
		t.Errorf("collected %d, covered %d, %v %v", l.Collected, l.Covered, l.LeftOut, l.Trouble)
	}
	kept := 0
	ends := map[string]int{}
	for _, c := range l.Children {
		if c.Profile != "" {
			kept++
		}
		ends[ending(c.Ended)]++
	}
	if want := map[string]int{"exit 0": 402, "exit 3": 400, "SIGKILL": 400}; endsAreKnown() && !reflect.DeepEqual(ends, want) {
		t.Errorf("ends %v, want %v", ends, want)
	}
	if kept != 1000 {
		t.Errorf("%d profiles were kept, want 1000", kept)
	}
	// Go's tool refuses to mix modes, so each binary by itself.
	sums := map[string]string{"count": "2 800", "set": "2 1"}
	for _, b := range l.Binaries {
		if filepath.Base(b.Exe) == "second" {
			continue
		}
		files, err := filepath.Glob(filepath.Join(cmd.Dir, "gcd", "*."+b.Hash+"*"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no profiles of %+v in gcd (%v)", b, err)
		}
		dir := filepath.Join(t.TempDir(), b.Mode)
		for _, f := range files {
			write(t, filepath.Join(dir, filepath.Base(f)), read(t, f))
		}
		goTool(t, cmd.Dir, "covdata", "textfmt", "-i="+dir, "-o="+b.Mode+".txt")
		check(b.Mode+".txt", map[string]string{"lib.go:5.21,7.19": sums[b.Mode]})
	}
}

// TestNamespaces: every process is number 1 of its own pid namespace. They are
// told apart, and folded while others run, so that the folder stays small.
func TestNamespaces(t *testing.T) {
	if err := exec.Command("unshare", "-pf", "true").Run(); err != nil {
		t.Skipf("no pid namespace here: %v", err)
	}
	got, cmd := runScript(t, `
i=0
while [ $i -lt 700 ]; do
	for k in 1 2 3 4 5 6 7; do unshare -pf ./mapped return & done; wait
	i=$((i+7))
done
until [ $(ls $COVWRAP_DIR | grep -c covmap) -lt 300 ]; do sleep 0.1; done
echo folded`)
	if got.status != "exit 0" || got.out != "folded\n" {
		t.Errorf("%+v", got)
	}
	if p := read(t, filepath.Join(cmd.Dir, "p.txt")); !strings.Contains(p, "lib.go:7.19,9.3 1 4900\n") {
		t.Errorf("profile:\n%s", p)
	}
	l := readLedger(t, filepath.Join(cmd.Dir, "ledger.json"))
	if l.Collected != 700 || len(l.LeftOut) != 0 {
		t.Errorf("collected %d, left out %v", l.Collected, l.LeftOut)
	}
	for _, c := range l.Children {
		if c.BlocksCovered != 6 {
			t.Errorf("%d blocks of %+v", c.BlocksCovered, c)
		}
	}
	if t.Failed() {
		t.Logf("standard error:\n%s", got.err)
	}
}
