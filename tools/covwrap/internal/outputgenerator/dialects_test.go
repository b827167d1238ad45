package outputgenerator

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/covwrap/covwrap/tools/covwrap/internal/trouble"
)

var update = flag.Bool("update", false, "write testdata/merged anew instead of comparing (read the diff afterwards)")

// TestDialects merges every file that a real tool wrote with itself: exactly
// twice its counts, in one dialect. Its files' README says how they were made;
// there, they are compared with Bazel's merger and with lcov, too.
func TestDialects(t *testing.T) {
	paths, err := filepath.Glob("../../../../bench/merge/parity/testdata/real/*")
	if err != nil || len(paths) < 15 {
		t.Fatalf("%d files: %v", len(paths), err)
	}
	for _, path := range paths {
		name := filepath.Base(path)
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			for _, copied := range []string{name, "again-" + name} {
				if err := os.WriteFile(filepath.Join(dir, copied), text, 0o666); err != nil {
					t.Fatal(err)
				}
			}
			out := filepath.Join(t.TempDir(), "out.dat")
			var log trouble.Log
			if _, err := Run(Config{CoverageDir: dir, OutputFile: out, FilterSources: []string{"/usr/.+"}}, &log); err != nil {
				t.Fatal(err)
			}
			for _, f := range log.Findings() {
				if f.Slug != "line-zero" {
					t.Errorf("found %v", f)
				}
			}
			got, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", "merged", name+".lcov")
			if *update {
				if err := os.WriteFile(golden, got, 0o666); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil || string(got) != string(want) {
				t.Errorf("%v; got\n%s\nwant\n%s", err, got, want)
			}
		})
	}
}
