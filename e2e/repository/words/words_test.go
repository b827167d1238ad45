package words

import (
	"os"
	"os/exec"
	"testing"
)

// TestMain lets the test binary be its own helper, which ends by a panic.
func TestMain(m *testing.M) {
	if os.Getenv("WORDS_HELPER") != "" {
		panic(Twice(""))
	}
	os.Exit(m.Run())
}

func TestTwice(t *testing.T) {
	for range 3 {
		if got := Twice("a"); got != "aa" {
			t.Errorf("Twice(a) = %q", got)
		}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	helper := exec.Command(self)
	helper.Env = append(os.Environ(), "WORDS_HELPER=1")
	if err := helper.Run(); err == nil {
		t.Error("the helper did not panic")
	}
}
