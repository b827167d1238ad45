// Package remote_test runs covwrap on a real remote-execution engine.
package remote_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"example.com/remote/engine"
)

// root is the engine's file system; covwrap the command-line tool.
var root, covwrap string

// keep leaves the engine's storage and the output bases for the next run, for work on the tests:
// a build of rules_go's tools and the standard library takes minutes.
var keep = flag.Bool("keep", false, "keep all storage in the cache folder, and use what is there")

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	var err error
	root, err = engine.Install(func(what string) { fmt.Fprintln(os.Stderr, what) })
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e/remote: no engine:", err)
		return 1
	}
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	covwrap = filepath.Join(dir, "covwrap")
	build := exec.Command("go", "build", "-o", covwrap, "./tools/covwrap")
	build.Dir = repository
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build ./tools/covwrap: %v\n%s", err, out)
		return 1
	}
	code := m.Run()
	for key, base := range bases {
		err := shutdown(key[1], base)
		if !*keep {
			err = errors.Join(err, os.RemoveAll(base))
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "FAIL:", err)
			code = 1
		}
	}
	if e := theEngine; e != nil {
		e.Stop()
		if left := engine.LeftOver(e.Dir); len(left) > 0 {
			fmt.Fprintf(os.Stderr, "FAIL: still running after the end: %q\n", left)
			code = 1
		}
		if !*keep {
			if err := os.RemoveAll(e.Dir); err != nil {
				fmt.Fprintln(os.Stderr, "FAIL: the engine's storage:", err)
				code = 1
			}
		}
	}
	return code
}

// theEngine runs until all tests have ended: what one test had built, the
// next need not build again, whichever runner it uses.
var theEngine *engine.Engine

// engineFor returns the engine, with the given runner.
func engineFor(t *testing.T, runner engine.Runner) *engine.Engine {
	t.Helper()
	if theEngine == nil {
		theEngine = startEngine(t, runner)
	} else if err := theEngine.Use(runner); err != nil {
		t.Fatal(err)
	}
	e := theEngine
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the engine's last words:\n%s", tail(e.Log(), 20))
		}
	})
	return e
}

func startEngine(t *testing.T, runner engine.Runner) *engine.Engine {
	t.Helper()
	var dir string
	if *keep {
		dir = cacheDir(t, "engine")
	} else {
		var err error
		// Not t.TempDir: its name is too long for a socket.
		if dir, err = os.MkdirTemp("", "e"); err != nil {
			t.Fatal(err)
		}
	}
	e, err := engine.Start(root, dir, runner)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// leavesNothing returns a check that no process of the actions that were executed
// since then is left on the worker. (Before, a test may have run without coverage,
// and so without the launcher, and have left what it leaves.)
func leavesNothing(t *testing.T, e *engine.Engine) (check func()) {
	before := e.Running()
	return func() {
		t.Helper()
		// The runner of the last action has told its result, and ends about now.
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
			left := e.Running()
			for pid := range before {
				delete(left, pid)
			}
			if len(left) == 0 {
				return
			}
			if time.Now().After(deadline) {
				t.Errorf("still running on the worker: %q", left)
				return
			}
		}
	}
}
