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
	file := os.Getenv("MATRIX_CELLS")
	if file == "" {
		t.Skip("e2e/matrix/run -bazel runs this test under Bazel")
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var cells []parent.Cell
	if err := json.Unmarshal(data, &cells); err != nil {
		t.Fatal(err)
	}
	programs := strings.NewReplacer("SUBJECT", absolute(t, "MATRIX_SUBJECT"), "OTHER", absolute(t, "MATRIX_OTHER"))
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

func absolute(t *testing.T, variable string) string {
	t.Helper()
	path, err := filepath.Abs(os.Getenv(variable))
	if err != nil {
		t.Fatal(err)
	}
	return path
}
