package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// lines are the lines of a file that a condition holds for, without indentation.
func lines(t *testing.T, file string, condition func(string) bool) []string {
	t.Helper()
	text, err := os.ReadFile("../../" + file)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimRight(line, "\n"); condition(line) {
			found = append(found, strings.TrimSpace(line))
		}
	}
	return found
}

// TestREADME: what README.md and docs/repository-tier.md tell people to write is
// what the suites run. Its lines for plain Go are run as they are by e2e/plain.
func TestREADME(t *testing.T) {
	shown := func(prefix string) func(string) bool {
		return func(line string) bool { return strings.HasPrefix(line, "    "+prefix) }
	}
	rc := lines(t, "e2e/repository/.bazelrc", func(line string) bool { return line != "" && line[0] != '#' })
	readme := lines(t, "README.md", shown("coverage --"))
	slices.Sort(rc)
	if slices.Sort(readme); !slices.Equal(readme, rc) {
		t.Errorf("README.md has for .bazelrc\n  %s\ne2e/repository has\n  %s", strings.Join(readme, "\n  "), strings.Join(rc, "\n  "))
	}
	tier := lines(t, "docs/repository-tier.md", shown("coverage --"))
	if want := []string{"coverage " + repositoryToolchain, "coverage " + repositoryLauncher}; !slices.Equal(tier, want) {
		t.Errorf("docs/repository-tier.md has for .bazelrc\n  %s", strings.Join(tier, "\n  "))
	}

	version := regexp.MustCompile(`, version = "[^"]*"`) // the suites override it
	module := lines(t, "README.md", shown("bazel_dep("))
	if got := lines(t, "docs/repository-tier.md", shown("bazel_dep(")); !slices.Equal(got, module) {
		t.Errorf("for MODULE.bazel docs/repository-tier.md has %q, README.md %q", got, module)
	}
	used := lines(t, "e2e/repository/MODULE.bazel", func(line string) bool { return strings.HasPrefix(line, "bazel_dep(") })
	if len(module) != 1 || !slices.Contains(used, version.ReplaceAllString(module[0], "")) {
		t.Errorf("README.md has for MODULE.bazel %q, e2e/repository %q", module, used)
	}

	kinds := lines(t, "README.md", shown("# gazelle:map_kind"))
	build := lines(t, "e2e/gazelle/src/BUILD.bazel", func(line string) bool { return strings.HasPrefix(line, "# gazelle:map_kind") })
	if len(kinds) != 2 || !slices.Equal(kinds, build) {
		t.Errorf("README.md has for Gazelle %q, e2e/gazelle %q", kinds, build)
	}
}

// TestTiers: each way to use covwrap takes ten lines at most.
func TestTiers(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, use, _ := strings.Cut(string(text), "\n## Use it\n")
	use, _, _ = strings.Cut(use, "\n## ")
	tiers := strings.Split(use, "\n### ")[1:]
	if len(tiers) != 4 {
		t.Errorf("%d ways to use covwrap in README.md, want the three tiers and the reports", len(tiers))
	}
	for _, tier := range tiers {
		if n := strings.Count(tier, "\n    "); n < 1 || n > 10 {
			name, _, _ := strings.Cut(tier, "\n")
			t.Errorf("%q takes %d lines", name, n)
		}
	}
}
