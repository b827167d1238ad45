package wrapped

import (
	"os/exec"
	"strings"
	"testing"
)

// What every test waits for must stay small: a package that does work when it
// is initialised, or makes the binary large, has no place here.
func TestLight(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "github.com/covwrap/covwrap/tools/covwrap/launcher",
		"github.com/covwrap/covwrap/tools/covwrap/rununder").Output()
	if err != nil {
		t.Skipf("go list needs the module: %v", err) // under Bazel there is only this package
	}
	for _, heavy := range []string{"net/http", "crypto/tls", "text/template", "encoding/xml", "regexp",
		"github.com/covwrap/covwrap/tools/covwrap/internal/cli"} {
		for name := range strings.Lines(string(out)) {
			if strings.TrimSpace(name) == heavy {
				t.Errorf("the launcher links %s", heavy)
			}
		}
	}
}
