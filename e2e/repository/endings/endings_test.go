package main_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// TestEnding ends the program as the environment says and writes down what it said
// and how it ended.
func TestEnding(t *testing.T) {
	program, err := filepath.Abs(filepath.Join("..", os.Getenv("PROGRAM")))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, os.Getenv("WAY"))
	cmd.Args[0] = "endings"
	var stderr, stdout bytes.Buffer
	cmd.Stderr = &stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(io.TeeReader(out, &stdout))
	for line := ""; line != "ready\n"; {
		if line, err = lines.ReadString('\n'); err != nil {
			t.Fatalf("%v; stdout %q, stderr %q", err, &stdout, &stderr)
		}
	}
	switch os.Getenv("SIGNAL") {
	case "TERM":
		cmd.Process.Signal(syscall.SIGTERM)
	case "KILL":
		cmd.Process.Signal(syscall.SIGKILL)
	default:
		in.Close()
	}
	if _, err := io.Copy(io.Discard, lines); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	in.Close()
	story := fmt.Sprintf("%s\n--- stdout\n%s--- stderr\n%s", cmd.ProcessState, &stdout, &stderr)
	if err := os.WriteFile(filepath.Join(os.Getenv("TEST_UNDECLARED_OUTPUTS_DIR"), "child"), []byte(story), 0o666); err != nil {
		t.Fatal(err)
	}
}
