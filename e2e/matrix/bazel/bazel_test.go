//go:build linux

// Package bazel runs cells of the matrix below a go_test, with programs built
// by rules_go. TestBazel of package matrix starts it, and compares what comes
// of it; cells.json has the cells.
package bazel

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"example.com/matrix/internal/parent"
)

func TestCells(t *testing.T) {
	if os.Getenv("MATRIX_CELLS") == "" {
		t.Skip("e2e/matrix/run -bazel runs this test under Bazel")
	}
	data, err := os.ReadFile(runfile("MATRIX_CELLS"))
	if err != nil {
		t.Fatal(err)
	}
	var cells []parent.Cell
	if err := json.Unmarshal(data, &cells); err != nil {
		t.Fatal(err)
	}
	parent.CloseOnExec()
	programs := strings.NewReplacer("SUBJECT", runfile("MATRIX_SUBJECT"), "OTHER", runfile("MATRIX_OTHER"))
	for _, c := range cells {
		t.Run(c.Name, func(t *testing.T) {
			dir := filepath.Join(os.Getenv("TEST_UNDECLARED_OUTPUTS_DIR"), "cells", c.Name)
			r, err := c.Run(dir, programs)
			if err != nil {
				t.Fatal(err)
			}
			if r.Error != "" || !reflect.DeepEqual(r.Statuses, c.Statuses) {
				t.Errorf("it ended as %v (%s), want %v", r.Statuses, r.Error, c.Statuses)
			}
		})
	}
}

// runfile is the path of the file whose rootpath the variable has.
func runfile(variable string) string {
	return filepath.Join(os.Getenv("TEST_SRCDIR"), os.Getenv("TEST_WORKSPACE"), os.Getenv(variable))
}
