package lib

import (
	"os"
	"testing"
)

var ran int

// TestMain is called as without covwrap.
func TestMain(m *testing.M) {
	status := m.Run()
	if ran != 1 {
		status = 9
	}
	os.Exit(status)
}

func TestDouble(t *testing.T) {
	ran++
	if Double(2) != 4 {
		t.Fail()
	}
	if _, err := os.Stat("text.txt"); err != nil {
		t.Errorf("rundir: %v", err)
	}
}
