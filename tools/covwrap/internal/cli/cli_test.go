package cli

import (
	"strings"
	"testing"
)

// TestHelp wants every command in the list, and to explain itself on standard
// output, in both ways to ask.
func TestHelp(t *testing.T) {
	_, all, _ := call(t, "help")
	for _, g := range groups() {
		if !strings.Contains(all, "\n\n"+g.title+"\n  "+g.commands[0].name+" ") {
			t.Errorf("covwrap help lacks %q:\n%s", g.title, all)
		}
		for _, c := range g.commands {
			if !strings.Contains(all, "\n  "+c.name+" ") {
				t.Errorf("covwrap help lacks %s:\n%s", c.name, all)
			}
			if c.name == "help" {
				continue
			}
			status, stdout, stderr := call(t, c.name, "-h")
			usage, text, _ := strings.Cut(stdout, "\n\n")
			if status != 0 || stderr != "" || !strings.HasPrefix(usage, "Usage: ") || !strings.Contains(usage, "covwrap "+c.name) || text == "" {
				t.Errorf("%s -h: status %d, stderr %q\n%s", c.name, status, stderr, stdout)
			}
			if status, again, stderr := call(t, "help", c.name); status != 0 || again != stdout || stderr != "" {
				t.Errorf("help %s: status %d, stderr %q\n%s\nwant\n%s", c.name, status, stderr, again, stdout)
			}
		}
	}
}

// TestMisuse: a wrong command line gets one line that says what is wrong and
// where to read on, and nothing is done.
func TestMisuse(t *testing.T) {
	t.Setenv("COVWRAP_DIR", "")
	t.Chdir(t.TempDir())
	for _, c := range []struct{ args, want string }{
		{"rnu", `covwrap: unknown command "rnu"; "covwrap help" lists the commands`},
		{"help rnu", `covwrap: unknown command "rnu"; "covwrap help" lists the commands`},
		{"version now", `covwrap version: "now" is one word too many; "covwrap version -h" explains the command`},
		{"run", `covwrap run: a command is missing; "covwrap run -h" explains the command`},
		{"snapshot --x", `covwrap snapshot: flag provided but not defined: -x; "covwrap snapshot -h" explains the command`},
		{"snapshot x", `covwrap snapshot: "x" is no process number; "covwrap snapshot -h" explains the command`},
		{"watch now", `covwrap watch: "now" is one word too many; "covwrap watch -h" explains the command`},
		{"watch --interval=0s", `covwrap watch: --interval=0s is no time to wait; "covwrap watch -h" explains the command`},
		{"mark", `covwrap mark: it takes one NAME; "covwrap mark -h" explains the command`},
		{"mark two words", `covwrap mark: it takes one NAME; "covwrap mark -h" explains the command`},
		{"reset now", `covwrap reset: "now" is one word too many; "covwrap reset -h" explains the command`},
		{"go --nope test", `covwrap go: flag provided but not defined: -nope; "covwrap go -h" explains the command`},
		{"go --lcov=x build .", `covwrap go: --lcov=x: "go build" collects nothing, only "go run" and "go test" do; "covwrap go -h" explains the command`},
		{"go --lcov build .", `covwrap go: --lcov: "go ." collects nothing, only "go run" and "go test" do; "covwrap go -h" explains the command`},
		{"merge --format=xx", `covwrap merge: --format=xx is none of lcov, cobertura, json, go, gocoverdir; "covwrap merge -h" explains the command`},
	} {
		status, stdout, stderr := call(t, strings.Fields(c.args)...)
		if status != exitUsage || stdout != "" || stderr != c.want+"\n" {
			t.Errorf("covwrap %s: status %d, stdout %q, stderr\n%swant\n%s", c.args, status, stdout, stderr, c.want)
		}
	}
}
