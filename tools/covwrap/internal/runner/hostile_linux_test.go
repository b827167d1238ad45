package runner_test

import (
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
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
