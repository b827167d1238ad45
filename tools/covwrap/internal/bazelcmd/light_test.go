package bazelcmd

import (
	"os/exec"
	"strings"
	"testing"
)

// TestLight wants the programs that Bazel starts after every test to stay
// small: what they link is built in every repository and loaded every time.
func TestLight(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "github.com/covwrap/covwrap/tools/covwrap/lcov_merger",
		"github.com/covwrap/covwrap/tools/covwrap/report_generator").Output()
	if err != nil {
		t.Skipf("go list needs the module: %v", err) // under Bazel there is only this package
	}
	for name := range strings.Lines(string(out)) {
		switch name = strings.TrimSpace(name); name {
		case "net/http", "crypto/tls", "text/template", "html/template", "encoding/xml", "github.com/covwrap/covwrap/tools/covwrap/internal/cli":
			t.Errorf("the merger links %s", name)
		}
	}
}
