package main

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// repositoryTests are the tests of e2e/repository, and which files of theirs say
// what they saw.
var repositoryTests = map[string]string{
	"endings/return_test":  "child",
	"endings/exit_test":    "child",
	"endings/panic_test":   "child",
	"endings/sigterm_test": "child",
	"endings/sigkill_test": "child",
	"endings/reexec_test":  "child",
	"mixed/mixed_test":     "child",
	"mixed/rules_test":     "child",
	"script/script_test":   "arguments",
	"words/words_test":     "",
}

// The two lines that make the repository tier, as options of a command that does
// not read them.
const (
	repositoryToolchain = "--extra_toolchains=@covwrap//rules/repository:go"
	repositoryLauncher  = "--run_under=@covwrap//rules/repository:launcher"
)

// runRepository drives e2e/repository.
func runRepository(r *report) {
	w := r.workspace("repository")
	defer w.shutdown()

	_, err := w.bazel(nil, "test", "--nocache_test_results", "//...")
	r.check("test", err)
	if err != nil {
		return
	}
	plain := repositoryStories(r, w, "test")

	_, err = w.bazel(nil, "coverage", "--nocache_test_results", "//...")
	r.check("coverage", err)
	if err != nil {
		return
	}
	repositoryTracefiles(r, w)
	covered := repositoryStories(r, w, "coverage")
	for _, test := range sortedKeys(plain) {
		r.equal("coverage "+test+" as without", withoutAddresses(covered[test]), withoutAddresses(plain[test]))
	}
	repositoryRunsUnder(r, w)
	repositoryActions(r, w)
}

// repositoryStories reads what the tests have told about what they saw.
func repositoryStories(r *report, w workspace, command string) map[string]string {
	stories := map[string]string{}
	for _, test := range sortedKeys(repositoryTests) {
		if name := repositoryTests[test]; name != "" {
			story, err := zipped(w.log(test+"/test.outputs/outputs.zip"), name)
			if err != nil {
				r.check(command+" "+test, err)
				continue
			}
			stories[test] = story
		}
	}
	return stories
}

// repositoryTracefiles compares each test's tracefile, and that of all.
func repositoryTracefiles(r *report, w workspace) {
	expected := filepath.Join(w.dir, "expected")
	for _, test := range sortedKeys(repositoryTests) {
		tracefile, err := w.read(test + "/coverage.dat")
		if err != nil {
			r.check("coverage "+test+" tracefile", err)
			continue
		}
		r.golden("coverage "+test+" tracefile", tracefile, filepath.Join(expected, filepath.Base(test)+".lcov"))
	}
	combined, err := os.ReadFile(filepath.Join(w.dir, "bazel-out", "_coverage", "_coverage_report.dat"))
	if err != nil {
		r.check("coverage combined report", err)
		return
	}
	r.golden("coverage combined report", string(combined), filepath.Join(expected, "combined.lcov"))
}

// repositoryRunsUnder checks that flags about the inside of tests get there, and
// that a launcher without coverage is not noticed.
func repositoryRunsUnder(r *report, w workspace) {
	_, err := w.bazel(nil, "coverage", "--nocache_test_results", "--test_filter=^TestNone$", "//words:words_test")
	if err == nil {
		var tracefile string
		tracefile, err = w.read("words/words_test/coverage.dat")
		if !strings.Contains(tracefile, "\nDA:9,0\n") {
			err = errors.Join(err, fmt.Errorf("--test_filter had no effect:\n%s", tracefile))
		}
	}
	r.check("coverage of filtered tests", err)

	_, err = w.bazel(nil, "test", "--nocache_test_results", repositoryLauncher, "//script:script_test", "//words:words_test", "//mixed:rules_test")
	r.check("test under the launcher", err)
	if err == nil {
		story, err := zipped(w.log("script/script_test/test.outputs/outputs.zip"), "arguments")
		r.equal("test under the launcher, arguments", story, "endings/endings_/endings two words\n")
		r.check("test under the launcher, outputs", err)
	}
}

// repositoryActions compares the actions of builds with and without the tier.
func repositoryActions(r *report, w workspace) {
	const targets = "deps(//endings:all + //words:all + //script:all)"

	with, err1 := w.bazel(nil, "aquery", targets)
	without, err2 := repositoryBefore(r, w, "aquery", targets)
	r.check("actions without coverage are those of a repository without covwrap",
		errors.Join(err1, err2, difference(changes(actions(without), actions(with)), "")))

	coverage := []string{"aquery", "--collect_code_coverage", "--instrumentation_filter=^//",
		"--coverage_output_generator=@covwrap//tools/covwrap:lcov_merger", "--coverage_report_generator=@covwrap//tools/covwrap:report_generator"}
	before, err1 := w.bazel(nil, append(slices.Clone(coverage), targets)...)
	after, err2 := w.bazel(nil, append(slices.Clone(coverage), repositoryToolchain, targets)...)
	if err := errors.Join(err1, err2); err != nil {
		r.check("actions of coverage", err)
		return
	}
	r.golden("actions of coverage", changes(actions(before), actions(after)), filepath.Join(w.dir, "expected", "actions.txt"))
}

// covwrapDep is what MODULE.bazel says about covwrap.
var covwrapDep = regexp.MustCompile(`(?s)bazel_dep\(name = "covwrap"\)\nlocal_path_override\(.*?\)\n`)

// repositoryBefore runs one command in a copy of the repository from the time before
// covwrap: no dependency, no .bazelrc, no package that uses the rules.
func repositoryBefore(r *report, w workspace, args ...string) (string, error) {
	var out string
	err := repositoryCopy(r, w, func(old workspace) error {
		err := old.edit("MODULE.bazel", func(module string) string { return covwrapDep.ReplaceAllString(module, "") })
		if err == nil {
			out, err = old.bazel(nil, args...)
		}
		return err
	})
	return out, err
}

// repositoryCopy makes a copy of the repository, without .bazelrc and without the
// package that uses the rules, for a function that changes and drives it.
func repositoryCopy(r *report, w workspace, drive func(workspace) error) error {
	dir, err := os.MkdirTemp("", "repository")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	for _, name := range []string{"endings", "words", "script"} {
		err = errors.Join(err, os.CopyFS(filepath.Join(dir, name), os.DirFS(filepath.Join(w.dir, name))))
	}
	for _, name := range []string{"MODULE.bazel", "BUILD.bazel"} {
		content, err2 := os.ReadFile(filepath.Join(w.dir, name))
		err = errors.Join(err, err2, os.WriteFile(filepath.Join(dir, name), content, 0o666))
	}
	if err != nil {
		return err
	}
	copied := workspace{r, dir}
	err = drive(copied)
	_, err2 := copied.bazel(nil, "clean", "--expunge")
	return errors.Join(err, err2)
}

// edit changes a file of the module; not to change anything is an error.
func (w workspace) edit(name string, change func(string) string) error {
	path := filepath.Join(w.dir, name)
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	edited := change(string(old))
	if edited == string(old) {
		return fmt.Errorf("%s is not what the driver expects", name)
	}
	return os.WriteFile(path, []byte(edited), 0o666)
}

var (
	actionField = regexp.MustCompile(`(?m)^  (Mnemonic|Target|Configuration|Outputs|ActionKey): (.*)$`)
	// A configuration made by a transition has a hash in its name.
	transitioned = regexp.MustCompile(`-ST-[0-9a-f]+`)
)

// actions reads the text form of aquery: what an action makes, to its key.
func actions(text string) map[string]string {
	keys := map[string]string{}
	for action := range strings.SplitSeq(text, "\n\n") {
		fields := map[string]string{}
		for _, m := range actionField.FindAllStringSubmatch(action, -1) {
			fields[m[1]] = m[2]
		}
		first, _, _ := strings.Cut(strings.Trim(fields["Outputs"], "[]"), ",")
		name := fmt.Sprintf("%s %s %s", fields["Mnemonic"], fields["Target"], filepath.Base(first))
		keys[name+" in "+transitioned.ReplaceAllString(fields["Configuration"], "-ST")] += fields["ActionKey"]
	}
	return keys
}

// local are the actions that Bazel never caches remotely: manifests with the
// absolute paths of a folder, and with all repositories that had a part in a
// program.
var local = regexp.MustCompile(`^(RepoMappingManifest|SourceSymlinkManifest|SymlinkTree) `)

// changes lists the actions that were added, removed or changed, but for local
// ones.
func changes(before, after map[string]string) string {
	var lines []string
	for name, key := range after {
		old, ok := before[name]
		switch {
		case local.MatchString(name):
		case !ok:
			lines = append(lines, "new     "+name+"\n")
		case old != key:
			lines = append(lines, "changed "+name+"\n")
		}
	}
	for name := range before {
		if _, ok := after[name]; !ok && !local.MatchString(name) {
			lines = append(lines, "gone    "+name+"\n")
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// zipped reads a file of an archive.
func zipped(archive, name string) (string, error) {
	content, err := os.ReadFile(archive)
	if err != nil {
		return "", err
	}
	z, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return "", fmt.Errorf("%s: %w", archive, err)
	}
	f, err := z.Open(name)
	if err != nil {
		return "", fmt.Errorf("%s: %w", archive, err)
	}
	defer f.Close()
	text, err := io.ReadAll(f)
	return string(text), err
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
