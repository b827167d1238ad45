package launch

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestLate: a test that does not end though it was told to is reported while
// it still runs, since SIGKILL may come any time; and again when it has ended.
func TestLate(t *testing.T) {
	profile, err := MakeProfile(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(profile)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	devnull, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	var late []*Outcome
	go func() {
		// The test says that it is deaf to SIGTERM, and is told to end.
		r.Read(make([]byte, 1))
		syscall.Kill(os.Getpid(), syscall.SIGTERM)
	}()
	o, err := Run(Config{
		Path: "/bin/sh", Argv: []string{"sh", "-c", "trap '' TERM; echo; while ! [ -e $COVWRAP_DIR/go ]; do sleep 0.02; done; exit 3"}, Env: os.Environ(),
		Files: [3]*os.File{devnull, w, devnull}, Profile: profile, Grouped: true, LateAfter: 50 * time.Millisecond,
		Late: func(o *Outcome) {
			late = append(late, o)
			if err := os.WriteFile(profile+"/go", nil, 0o666); err != nil {
				t.Error(err)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if o.Status != (Status{Code: 3}) || o.Terminated.IsZero() || o.OutOfTime {
		t.Errorf("the outcome is %+v", o)
	}
	if len(late) != 1 || late[0].Collected == nil || len(late[0].Processes) == 0 || late[0].End.Before(late[0].Terminated) {
		t.Errorf("the report before the end: %+v", late)
	}
}

// TestEarly: a test whose time is nearly up is reported while it still runs, as
// out of time, since nobody may be left to do so then; and again when it has
// ended after all.
func TestEarly(t *testing.T) {
	profile, err := MakeProfile(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(profile)
	devnull, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer devnull.Close()
	var early []*Outcome
	o, err := Run(Config{
		Path: "/bin/sh", Argv: []string{"sh", "-c", "while ! [ -e $COVWRAP_DIR/go ]; do sleep 0.02; done; exit 3"}, Env: os.Environ(),
		Files: [3]*os.File{devnull, devnull, devnull}, Profile: profile, Grouped: true, TimeLimit: 1500 * time.Millisecond,
		Late: func(o *Outcome) {
			early = append(early, o)
			if err := os.WriteFile(profile+"/go", nil, 0o666); err != nil {
				t.Error(err)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if o.Status != (Status{Code: 3}) || !o.Terminated.IsZero() || o.OutOfTime {
		t.Errorf("the outcome is %+v", o)
	}
	if len(early) == 0 { // there may be more on a machine that takes long
		t.Fatal("no report before the end")
	}
	if e := early[0]; !e.OutOfTime || e.Collected == nil || len(e.Processes) == 0 || e.End.Sub(e.Start) < 500*time.Millisecond {
		t.Errorf("the report before the end: %+v", e)
	}
}

func TestShortBefore(t *testing.T) {
	for limit, want := range map[time.Duration]time.Duration{
		time.Second: time.Second, 20 * time.Second: 2 * time.Second, time.Minute: 6 * time.Second, time.Hour: 10 * time.Second,
	} {
		if got := shortBefore(limit); got != want {
			t.Errorf("%v before a limit of %v, want %v", got, limit, want)
		}
	}
}

func TestEnviron(t *testing.T) {
	env := []string{"A=1", "COVWRAP_TEST=t", "B=2", "COVWRAP_OPTIONS=o", "COVWRAP_STAGE=1:/x", "COVWRAP_DIR=/old", "NOEQUALS", "B=3"}
	got := strings.Join(childEnv(Config{Env: env, Profile: "/new"}), " ")
	if want := "A=1 B=2 NOEQUALS B=3 COVWRAP_DIR=/new GOCOVERDIR=/new"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if env[1] != "COVWRAP_TEST=t" {
		t.Error("the caller's environment was changed")
	}
}

// TestMakeProfile: everybody may write there, nobody may remove what another
// user wrote, and a user who gave up root can reach it.
func TestMakeProfile(t *testing.T) {
	closed := t.TempDir()
	if err := os.Chmod(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	dir, err := MakeProfile(closed)
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	info, err := os.Stat(dir)
	if err != nil || info.Mode() != os.ModeDir|os.ModeSticky|0o777 {
		t.Errorf("mode %v (%v)", info.Mode(), err)
	}
	if inside := strings.HasPrefix(dir, closed); inside == (os.Geteuid() == 0 && reachable(os.TempDir())) {
		t.Errorf("%s: for root it must not be in %s, which others cannot enter; for others it must", dir, closed)
	}
	if dir, err := MakeProfile("/dev/null"); err == nil {
		os.RemoveAll(dir)
		if os.Geteuid() != 0 {
			t.Error("a profile directory inside a device")
		}
	}
}
