package runner_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/covwrap/covwrap/tools/covwrap/internal/ledger"
)

// missing lists what a ledger says is left out, and its troubles.
func missing(l *ledger.Ledger) (out []string) {
	for _, m := range l.LeftOut {
		out = append(out, m.Slug+" "+strings.Join(m.Argv, " "))
	}
	for _, t := range l.Trouble {
		out = append(out, t.Slug+": "+t.Text)
	}
	return out
}

// TestClosedDirectory: a user who is not root is not stopped by the rights that
// the test took from the profile directory.
func TestClosedDirectory(t *testing.T) {
	var nobody *syscall.SysProcAttr
	if os.Geteuid() == 0 {
		nobody = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		cmd := exec.Command("true")
		cmd.SysProcAttr = nobody
		if err := cmd.Run(); err != nil {
			t.Skipf("this is the only user here, as in Bazel's sandbox: %v", err)
		}
	}
	dir, err := os.MkdirTemp("", "closed")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	// Where the other user can reach it.
	write(t, filepath.Join(dir, "launcher"), read(t, self(t)))
	if err := os.Chmod(filepath.Join(dir, "launcher"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []string{"000", "555"} {
		cmd := covwrap(t, "run", "--quiet", "--json=ledger.json", "--", "sh", "-c", "chmod "+mode+" $COVWRAP_DIR; exit 6")
		cmd.Path, cmd.Dir = filepath.Join(dir, "launcher"), dir
		cmd.Env = append(cmd.Env, "TMPDIR="+dir) // the last one counts
		cmd.SysProcAttr = nobody
		expect(t, mode, run(t, cmd), result{"exit 6", "", ""})
		if l := readLedger(t, filepath.Join(dir, "ledger.json")); len(l.Trouble) != 0 || len(l.LeftOut) != 0 {
			t.Errorf("%s: %+v, %+v", mode, l.Trouble, l.LeftOut)
		}
	}
}

// TestLiveMap: what is done to the map of a process that runs. Only that process
// can come to harm, and only if its file is made shorter: then its next count is
// a store to a page that is no more.
func TestLiveMap(t *testing.T) {
	const fault = "exit 2, SIGBUS\n"
	for name, tc := range map[string]struct {
		attack string // $m is the map
		ended  string
		want   []string
	}{
		"nothing":   {"true", "exit 0\n", []string{"collected 3 of 3"}},
		"truncated": {"truncate -s 0 $m", fault, []string{"collected 2 of 3", "map-unfinished"}},
		"cut off":   {"truncate -s -4096 $m", fault, []string{"collected 2 of 3", "map-damaged"}},
		"grown":     {"truncate -s +4096 $m", "exit 0\n", []string{"collected 2 of 3", "map-damaged"}},
		"deleted":   {"rm $m", "exit 0\n", []string{"collected 3 of 3"}}, // by what Go wrote at its exit
		"replaced":  {"echo garbage >garbage; mv garbage $m", "exit 0\n", []string{"collected 2 of 3", "map-damaged"}},
		"no rights": {"chmod 000 $m", "exit 0\n", []string{"collected 3 of 3"}}, // we are root
	} {
		t.Run(name, func(t *testing.T) {
			if name == "no rights" && os.Geteuid() != 0 {
				t.Skip("only root reads it all the same")
			}
			got, cmd := runScript(t, look+`
./mapped return; ./mapped return
mkfifo never; exec 9<>never
./second on <&9 >ready 2>said & pid=$!
while ! [ -s ready ]; do sleep 0.01; done
look; look
m=$(echo $COVWRAP_DIR/covmap.$pid.*)
`+tc.attack+`
echo >&9; wait $pid; echo exit $?$(grep -o -m 1 'signal SIGBUS' said | sed 's/signal/,/')
exit 6`, "--quiet", "--on-missing=ignore")
			expect(t, "the test", got, result{"exit 6", tc.ended, ""})
			l := readLedger(t, filepath.Join(cmd.Dir, "ledger.json"))
			out := []string{fmt.Sprintf("collected %d of %d", l.Collected, l.Covered)}
			for _, m := range missing(l) {
				slug, _, _ := strings.Cut(m, " ")
				out = append(out, strings.TrimSuffix(slug, ":"))
			}
			if !reflect.DeepEqual(out, tc.want) {
				t.Errorf("%q, want %q\n%s", out, tc.want, strings.Join(missing(l), "\n"))
			}
			if !strings.Contains(read(t, filepath.Join(cmd.Dir, "p.txt")), "main.go:12.13,15.2 2 2\n") {
				t.Errorf("profile:\n%s", read(t, filepath.Join(cmd.Dir, "p.txt")))
			}
		})
	}
}

// TestHostile: whatever a process does to the profile directory, the others are
// collected, what is lost is named, the test's own result stays, and it takes
// no long time.
func TestHostile(t *testing.T) {
	const good = "./mapped return; ./mapped status; "
	for name, tc := range map[string]struct {
		script string
		want   []string
	}{
		"nothing": {good, []string{"collected 2 of 2"}},
		"garbage under our names": {good + `
			echo garbage >$COVWRAP_DIR/covmap.1.1
			echo garbage >$COVWRAP_DIR/covmeta.00112233445566778899aabbccddeeff
			echo garbage >$COVWRAP_DIR/covcounters.00112233445566778899aabbccddeeff.2.2
			head -c 100000 /dev/urandom >$COVWRAP_DIR/covmap.3.3
			head -c 100 /dev/zero >$COVWRAP_DIR/covmap.5.5
			echo "text 
" >$COVWRAP_DIR/covwrap.log`,
			[]string{"collected 2 of 6", "map-damaged", "counters-damaged", "map-damaged", "map-unfinished"}},
		"other files": {good + `echo hello >$COVWRAP_DIR/notes.txt; mkdir $COVWRAP_DIR/.hidden`,
			[]string{"collected 2 of 2", "foreign-file", "foreign-file"}},
		"no files": {good + `
			ln -s /dev/zero $COVWRAP_DIR/covmap.1.1
			mkfifo $COVWRAP_DIR/covmap.2.2 $COVWRAP_DIR/covcounters.00112233445566778899aabbccddeeff.4.4
			mkdir $COVWRAP_DIR/covmap.3.3
			mkfifo $COVWRAP_DIR/covsrc.00112233445566778899aabbccddeeff $COVWRAP_DIR/covwrap.log`,
			[]string{"collected 2 of 6", "map-damaged", "map-damaged", "map-damaged", "counters-damaged"}},
		"huge and sparse": {good + `
			truncate -s 1T $COVWRAP_DIR/covmap.1.1 $COVWRAP_DIR/covcounters.00112233445566778899aabbccddeeff.2.2
			truncate -s 200M $COVWRAP_DIR/covmap.3.3`,
			[]string{"collected 2 of 5", "map-damaged", "counters-damaged", "map-unfinished"}},
		"truncated maps": {good + `
			./mapped wait </dev/null >/dev/null; for f in $COVWRAP_DIR/covmap.*; do truncate -s -5000 $f; break; done`,
			[]string{"collected 2 of 3", "map-damaged"}},
		"directory deleted":        {good + `rm -rf $COVWRAP_DIR`, []string{"collected 0", "profile-directory-lost"}},
		"directory replaced":       {good + `mv $COVWRAP_DIR $COVWRAP_DIR.away; ln -s $PWD $COVWRAP_DIR; echo >covmap.1.1; rm -rf $COVWRAP_DIR.away`, []string{"collected 0", "profile-directory-lost"}},
		"read-only directory":      {`chmod 555 $COVWRAP_DIR; ` + good, []string{"collected 2 of 2"}}, // we are root
		"files removed":            {good + `rm $COVWRAP_DIR/covmeta.*`, []string{"collected 0 of 2", "meta-missing", "meta-missing"}},
		"temporary folder emptied": {`rm -rf $TMPDIR/*; ` + good, []string{"collected 2 of 2"}},
	} {
		t.Run(name, func(t *testing.T) {
			if strings.HasPrefix(name, "read-only") && os.Geteuid() != 0 {
				t.Skip("only root has the rights all the same")
			}
			start := time.Now()
			got, cmd := runScript(t, tc.script+"\nexit 6", "--quiet", "--on-missing=ignore")
			expect(t, "the test", got, result{"exit 6", "", ""})
			// Reading a terabyte takes longer, on the idlest machine.
			if took := time.Since(start); took > 2*time.Minute {
				t.Errorf("took %v", took)
			}
			l := readLedger(t, filepath.Join(cmd.Dir, "ledger.json"))
			out := []string{fmt.Sprintf("collected %d of %d", l.Collected, l.Covered)}
			if strings.HasPrefix(name, "directory") && l.Collected == 0 {
				out[0] = "collected 0" // which of the others were seen is chance
			}
			for _, m := range missing(l) {
				slug, _, _ := strings.Cut(m, " ")
				if slug == "no-counters" && out[0] == "collected 0" {
					continue
				}
				out = append(out, strings.TrimSuffix(slug, ":"))
			}
			if !reflect.DeepEqual(out, tc.want) {
				t.Errorf("%q, want %q\n%s", out, tc.want, strings.Join(missing(l), "\n"))
			}
			if strings.Contains(tc.want[0], "2 of") && !strings.Contains(read(t, filepath.Join(cmd.Dir, "p.txt")), "main.go:12.13,15.2 2 2\n") {
				t.Errorf("profile:\n%s", read(t, filepath.Join(cmd.Dir, "p.txt")))
			}
		})
	}
}
