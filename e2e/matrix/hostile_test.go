//go:build linux

package matrix

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"example.com/matrix/internal/oracle"
	"example.com/matrix/internal/parent"
)

// hostile is what a cell does to the profile directory, and what the ledger
// must say about it.
type hostile struct {
	Slugs     []string // all that the ledger names, sorted, each once
	May       []string // what it may name besides, by chance
	Covered   int      // at least so many processes
	Collected int      // the same
	Tmpfs     string   // the profile directory is a file system of that size
	Pids      int      // the launcher and all below it may have so many processes and threads
	After     func(t *testing.T, f *folder)
}

// launcher makes the place for the launcher and returns its command line.
func (h *hostile) launcher(t *testing.T, f *folder, argv []string) []string {
	t.Helper()
	if h.Tmpfs != "" {
		dir := f.path("small")
		if err := os.Mkdir(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=1777,size="+h.Tmpfs); err != nil {
			t.Skipf("a small file system needs the right to mount: %v", err)
		}
		t.Cleanup(func() {
			f.end()
			if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
				t.Error(err)
			}
		})
		argv = slices.Insert(argv, 2, "--dir="+dir)
	}
	if h.Pids > 0 {
		group := pidsGroup(t, h.Pids)
		argv = append([]string{"/bin/sh", "-c", `echo $$ >"$0" && exec "$@"`, filepath.Join(group, "cgroup.procs")}, argv...)
	}
	return argv
}

// pidsGroup makes a control group that bounds the number of processes.
func pidsGroup(t *testing.T, most int) string {
	t.Helper()
	root := "/sys/fs/cgroup/pids" // version 1
	if _, err := os.Stat(root); err != nil {
		root = "/sys/fs/cgroup"
	}
	group, err := os.MkdirTemp(root, "covwrap-matrix-")
	if err == nil {
		t.Cleanup(func() { os.Remove(group) })
		err = os.WriteFile(filepath.Join(group, "pids.max"), []byte(fmt.Sprint(most)), 0)
	}
	if err != nil {
		t.Skipf("no control group for the number of processes: %v", err)
	}
	return group
}

func (h *hostile) compareLedger(t *testing.T, f *folder) {
	t.Helper()
	l := f.ledger(t)
	if l.Covered < h.Covered || l.Collected < h.Collected {
		t.Errorf("the ledger has %d covered, %d collected; want at least %d and %d", l.Covered, l.Collected, h.Covered, h.Collected)
	}
	var slugs []string
	for _, s := range append(l.LeftOut, l.Trouble...) {
		if !slices.Contains(h.May, s.Slug) {
			slugs = append(slugs, s.Slug)
		}
	}
	slices.Sort(slugs)
	if slugs = slices.Compact(slugs); !slices.Equal(slugs, h.Slugs) {
		t.Errorf("the ledger names %q, want %q: left out %+v, trouble %+v", slugs, h.Slugs, l.LeftOut, l.Trouble)
	}
	if h.After != nil {
		h.After(t, f)
	}
}

// hash is the name of a meta-data file that no binary has.
const hash = "0123456789abcdef0123456789abcdef"

// attacks are done by a child between two covered ones: one that returned, and
// one that will be killed.
var attacks = []struct {
	Name  string
	Shell string // $D is the profile directory
	hostile
	Lost bool // the attack takes the data of covered processes with it: named, not collected
}{
	{
		Name:    "garbage under every name",
		Shell:   `for n in covmap.1.1 covmeta.` + hash + ` covcounters.` + hash + `.7.7 covsrc.` + hash + ` covnote.8.8.garbage covagg.x covmark.00000000000000000009 covsnap.1.2.3 garbage; do head -c 100000 /dev/urandom >$D/$n; done`,
		hostile: hostile{Slugs: []string{"counters-damaged", "foreign-file", "garbage", "map-damaged"}, Collected: 2},
	},
	{
		Name:    "empty files under every name",
		Shell:   `for n in covmap.1.1 covmeta.` + hash + ` covcounters.` + hash + `.7.7 covsrc.` + hash + ` covagg.x covmark.00000000000000000009 covsnap.1.2.3 garbage; do : >$D/$n; done`,
		hostile: hostile{Slugs: []string{"counters-damaged", "foreign-file", "map-damaged", "map-unfinished"}, Collected: 2},
	},
	{
		Name: "symbolic links",
		Shell: `ln -s /dev/zero $D/covmap.1.1; ln -s $F/precious $D/covmap.2.2; ln -s . $D/covmap.3.3; ln -s $F/precious $D/covmeta.` + hash + `;
			ln -s $F/precious $D/covcounters.` + hash + `.7.7; ln -s loop $D/loop; rm -f $D/covwrap.log; ln -s $F/precious $D/covwrap.log`,
		hostile: hostile{Slugs: []string{"counters-damaged", "foreign-file", "map-damaged"}, Collected: 2, After: precious},
	},
	{
		Name:    "sparse files of a terabyte",
		Shell:   `for n in covmap.1.1 covmeta.` + hash + ` covcounters.` + hash + `.7.7 covsrc.` + hash + ` covwrap.log; do truncate -s 1T $D/$n; done`,
		hostile: hostile{Slugs: []string{"counters-damaged", "map-damaged"}, Collected: 2},
	},
	{
		Name:    "FIFOs",
		Shell:   `rm -f $D/covwrap.log; for n in covmap.1.1 covmeta.` + hash + ` covcounters.` + hash + `.7.7 covsrc.` + hash + ` covwrap.log; do mkfifo $D/$n; done`,
		hostile: hostile{Slugs: []string{"counters-damaged", "map-damaged"}, Collected: 2},
	},
	{
		Name:    "folders",
		Shell:   `rm -f $D/covwrap.log; for n in covmap.1.1 covmeta.` + hash + ` covcounters.` + hash + `.7.7 covsrc.` + hash + ` covwrap.log; do mkdir -p $D/$n/x; done`,
		hostile: hostile{Slugs: []string{"counters-damaged", "map-damaged"}, Collected: 2},
	},
	{
		Name:    "garbage in the place of the meta-data and the source names",
		Shell:   `for f in $D/covmeta.* $D/covsrc.*; do [ -e $f ] && head -c 100000 /dev/urandom >$f; done; true`,
		hostile: hostile{Collected: 2, Slugs: []string{"meta-damaged"}},
	},
	{Name: "the profile directory deleted", Shell: `rm -rf $D`, Lost: true, hostile: hostile{Slugs: []string{"profile-directory-lost"}, May: []string{"no-counters"}}},
	{Name: "the profile directory became a file", Shell: `rm -rf $D; echo >$D`, Lost: true, hostile: hostile{Slugs: []string{"profile-directory-lost"}, May: []string{"no-counters"}}},
	{
		Name: "the profile directory became a link", Shell: `rm -rf $D; mkdir $F/target; cp $F/precious $F/target; ln -s $F/target $D`,
		hostile: hostile{Slugs: []string{"profile-directory-lost"}, May: []string{"no-counters"}, After: func(t *testing.T, f *folder) {
			precious(t, f)
			if _, err := os.Stat(f.path("target/precious")); err != nil {
				t.Errorf("a file behind the link: %v", err)
			}
		}}, Lost: true,
	},
}

// precious checks that a file outside was not touched.
func precious(t *testing.T, f *folder) {
	t.Helper()
	if data, err := os.ReadFile(f.path("precious")); err != nil || string(data) != preciousText {
		t.Errorf("a file outside the profile directory is now %q, %v", data, err)
	}
}

const preciousText = "of somebody else\n"

// TestHostile has a child attack the profile directory.
func TestHostile(t *testing.T) {
	for _, a := range attacks {
		t.Run(a.Name, func(t *testing.T) {
			t.Parallel()
			covered, twin := mustCovered(t, kind("atomic"), "subject")
			steps := func(bin string) []parent.Step {
				return []parent.Step{
					{Argv: []string{bin, "return", "DIR"}, Place: "child"},
					{Argv: []string{"/bin/sh", "-c", `F=$0 D=$COVWRAP_DIR; [ -n "$D" ] || exit 0; echo '` + strings.TrimSpace(preciousText) + `' >$F/precious; ` + a.Shell, "DIR"}, Place: "child"},
					{Argv: []string{bin, "block", "DIR"}, Place: "child", Script: "ready 9"},
				}
			}
			h := a.hostile
			c := &Cell{
				Kind: kind("atomic"), Steps: steps(covered), Twin: steps(twin), Hostile: &h,
				Statuses: map[string]int{"exit status 0": 2, "signal: killed": 1},
				Want:     oracle.Want{Counts: sum(image.Times(2), counts{"return": 1}, blocked)},
				Lost:     a.Lost,
			}
			c.run(t)
		})
	}
}

// limits are places that covwrap's runtime finds no room in.
var limits = []struct {
	name  string
	step  parent.Step
	twice bool // a second child, without the limit
	hostile
}{
	{
		name: "file size limit 0", step: parent.Step{Argv: []string{"", "return", "DIR"}, Limit: "ulimit -f 0", Pipe: true, Script: "close-output"},
		twice: true, hostile: hostile{Covered: 2, Collected: 1, Slugs: []string{"map-file-size-limit"}},
	},
	{
		name: "no file descriptor left at the start", step: parent.Step{Argv: []string{"", "return", "DIR"}, Limit: "ulimit -n 5"},
		twice: true, hostile: hostile{Covered: 2, Collected: 1, Slugs: []string{"map-no-descriptors"}},
	},
	{name: "profile directory full", step: parent.Step{Argv: []string{"", "return", "DIR"}}, hostile: hostile{Tmpfs: "4k", Covered: 1, Slugs: []string{"map-no-space"}}},
	{
		name: "profile directory fills up while the program runs",
		step: parent.Step{
			Argv: []string{"", "notify", "DIR", "15"}, Script: "ready attack 15",
			Attack: `[ -n "$COVWRAP_DIR" ] || exit 0; dd if=/dev/zero of="$COVWRAP_DIR/fill" bs=4k count=1024 2>/dev/null; [ -s "$COVWRAP_DIR/fill" ]`,
		},
		hostile: hostile{Tmpfs: "1m", Covered: 1, Collected: 1, Slugs: []string{"foreign-file"}},
	},
	{
		name: "another root folder (chroot), without the profile directory",
		step: parent.Step{Install: &[2]string{"SUBJECT", "DIR/elsewhere/program"}, Argv: []string{"/program", "return", "DIR"}, Place: "other root"},
		// The launcher sees its executable only if it lives long enough.
		hostile: hostile{May: []string{"no-counters"}},
	},
}

// TestLimits runs programs there: they must not notice, and the ledger must name
// them.
func TestLimits(t *testing.T) {
	for _, tc := range limits {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			covered, twin := mustCovered(t, kind("atomic"), "subject")
			steps := func(bin string) []parent.Step {
				step := tc.step
				if step.Place == "" {
					step.Argv = append([]string{bin}, step.Argv[1:]...)
					step.Place = "child"
				} else {
					step.Install = &[2]string{bin, step.Install[1]}
				}
				all := []parent.Step{step}
				if tc.twice {
					all = append(all, parent.Step{Argv: []string{bin, "block", "DIR"}, Place: "child", Script: "ready 9"})
				}
				return all
			}
			h := tc.hostile
			c := &Cell{Kind: kind("atomic"), Steps: steps(covered), Twin: steps(twin), Hostile: &h, Statuses: map[string]int{"exit status 0": 1}}
			if tc.twice {
				c.Statuses["signal: killed"] = 1
				c.Want.Counts = sum(image, blocked)
			} else {
				c.Lost = tc.Collected == 0
			}
			if tc.step.Argv[1] == "notify" {
				c.Statuses = map[string]int{"exit status 5": 1}
				c.Want.Counts = sum(image, end("SIGTERM, signal.Notify and a shutdown").Counts)
			}
			c.run(t)
		})
	}
}

// TestPids runs the launcher where no process can be started any more when it
// is to clean up.
func TestPids(t *testing.T) {
	e := &End{
		Args: "fill-pids", Status: "signal: killed", Counts: sum(counts{"fill-pids": 1, "fill-pids.full": 1, "tally": 1}, must(2)),
		Tally: []string{"fill-pids.loop"}, Slack: map[string]uint64{"fill-pids.loop": 1},
	}
	c := e.cell(t, kind("atomic"))
	c.Steps[0].Place = "detached"
	c.Grace = "100ms"
	c.Hostile = &hostile{Pids: 100, Covered: 1, Collected: 1}
	// Without coverage and a limit it would not end.
	c.Twin = nil
	c.run(t)
}
