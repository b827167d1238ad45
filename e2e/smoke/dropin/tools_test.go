// Package tools_test runs programs that were built with all kinds of attributes.
package tools_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

type here struct{}

func TestTools(t *testing.T) {
	wants := strings.Split(os.Getenv("WANTS"), ";")
	for i, rootpath := range strings.Fields(os.Getenv("TOOLS")) {
		program := filepath.Join(os.Getenv("TEST_SRCDIR"), os.Getenv("TEST_WORKSPACE"), rootpath)
		output, err := exec.Command(program).CombinedOutput()
		if string(output) != wants[i]+"\n" || err != nil {
			t.Errorf("%s: %q, %v; want %q", rootpath, output, err, wants[i])
		}
	}
}

// TestImportPath has neither importpath nor embed: the name that rules_go makes
// up is seen in panics and test reports.
func TestImportPath(t *testing.T) {
	if got := reflect.TypeOf(here{}).PkgPath(); got != os.Getenv("IMPORTPATH") {
		t.Errorf("the import path is %q, want %q", got, os.Getenv("IMPORTPATH"))
	}
}
