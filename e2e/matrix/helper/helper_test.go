//go:build linux

package helper

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"example.com/matrix/control"
)

// The two ways in which test binaries serve as helper processes of their own:
// a TestMain that looks at the environment, and a test that does.
const (
	mainVariable = "HELPER_MAIN"
	testVariable = "GO_WANT_HELPER_PROCESS"
)

func TestMain(m *testing.M) {
	if os.Getenv(mainVariable) != "" {
		os.Exit(Process())
	}
	flag.Parse()
	if flag.NArg() == 0 {
		fmt.Println("these tests are for the matrix to run")
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// under is what follows "--" on the command line: NAME DIR.
func under() control.Control {
	return control.Control{Name: flag.Arg(0), Dir: flag.Arg(1)}
}

func TestPass(t *testing.T) { Work() }

func TestFail(t *testing.T) {
	Work()
	t.Fatal("the test fails")
}

func TestSkip(t *testing.T) {
	Work()
	t.Skip("the test skips itself")
}

func TestPanic(t *testing.T) {
	Work()
	Break()
}

func TestExit(t *testing.T) {
	Work()
	os.Exit(3)
}

func TestHang(t *testing.T) {
	Work()
	Hang(under())
}

func TestParallel(t *testing.T) {
	for i := range 20 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			Work()
		})
	}
}

// TestHelperProcess is no test, but a process that another test starts.
func TestHelperProcess(t *testing.T) {
	if os.Getenv(testVariable) == "" {
		t.Skip("not asked for")
	}
	os.Exit(Process())
}

func TestStartsTest(t *testing.T) {
	ended, _ := Start(testVariable+"=1", "-test.run=^TestHelperProcess$", "--", "helper", under().Dir)
	if ended != "exit status 3" {
		t.Fatal(ended)
	}
}

func TestStartsMain(t *testing.T) {
	ended, _ := Start(mainVariable+"=1", "helper", under().Dir)
	if ended != "exit status 3" {
		t.Fatal(ended)
	}
}

func TestStartsAndKills(t *testing.T) {
	ended, _ := StartAndKill("-test.run=^TestHang$", "--", "helper", under().Dir)
	if ended != "signal: killed" {
		t.Fatal(ended)
	}
}
