package outputgenerator

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/covwrap/covwrap/tools/covwrap/internal/trouble"
)

const (
	a   = "SF:a/a.go\nDA:1,1\nend_of_record\n"
	b   = "SF:b/b.go\nDA:1,0\nend_of_record\n"
	lib = "SF:/usr/include/x.h\nDA:1,1\nend_of_record\n"

	aOut = "SF:a/a.go\nFNF:0\nFNH:0\nDA:1,1\nLH:1\nLF:1\nend_of_record\n"
	bOut = "SF:b/b.go\nFNF:0\nFNH:0\nDA:1,0\nLH:0\nLF:1\nend_of_record\n"
)

func TestRun(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string]string // in the coverage folder; @name: beside it
		set   func(c *Config, beside string)
		want  string // what the output holds; "absent" if there is none
		err   string
		found string
	}{
		{name: "nothing", want: ""},
		{name: "one", files: map[string]string{"x.dat": a}, want: aOut},
		{
			name:  "all formats",
			files: map[string]string{"x.dat": a, "sub/y.gcov": "file:a/a.go\nlcount:1,2\n", "z.gcov.json.gz": `{"files":[{"file":"b/b.go","lines":[{"line_number":1,"count":0}]}]}`},
			want:  strings.Replace(aOut, "DA:1,1", "DA:1,3", 1) + bOut,
		},
		{
			name:  "filters match whole names",
			files: map[string]string{"x.dat": a + b + lib},
			set: func(c *Config, _ string) {
				c.FilterSources = []string{"/usr/include.+", "b/b", "a.go"}
			},
			want: aOut + bOut,
		},
		{
			name:  "a filter that is no expression",
			files: map[string]string{"x.dat": a},
			set:   func(c *Config, _ string) { c.FilterSources = []string{"("} },
			want:  "absent",
			err:   "--filter_sources=( is no regular expression (RE2 syntax, without look-around): error parsing regexp: missing closing ): `^(?:()$`",
		},
		{
			name:  "manifest",
			files: map[string]string{"x.dat": a + b, "@manifest": "b/b.go\nb/b.gcno\n"},
			set:   func(c *Config, beside string) { c.SourceManifest = filepath.Join(beside, "manifest") },
			want:  bOut,
		},
		{
			name:  "a manifest that keeps nothing",
			files: map[string]string{"x.dat": a + b, "@manifest": ""},
			set:   func(c *Config, beside string) { c.SourceManifest = filepath.Join(beside, "manifest") },
			found: "no-coverage",
		},
		{
			name:  "no manifest where one should be",
			files: map[string]string{"x.dat": a},
			set:   func(c *Config, beside string) { c.SourceManifest = filepath.Join(beside, "manifest") },
			want:  aOut,
			found: "manifest",
		},
		{
			name:  "sources to replace, before the manifest",
			files: map[string]string{"x.dat": a + b, "@replace": "b/b.go:a/a.go\na:b:c\n", "@manifest": "a/a.go\n"},
			set: func(c *Config, beside string) {
				c.SourcesToReplace = filepath.Join(beside, "replace")
				c.SourceManifest = filepath.Join(beside, "manifest")
			},
			want:  aOut,
			found: "manifest",
		},
		{
			name:  "the list of tracefiles wins over the folder's, but not over its other formats",
			files: map[string]string{"x.dat": b, "y.gcov": "file:a/a.go\nlcount:1,1\n", "@listed": a, "@list": "LISTED\n"},
			set:   func(c *Config, beside string) { c.ReportsFile = filepath.Join(beside, "list") },
			want:  strings.Replace(aOut, "DA:1,1", "DA:1,2", 1),
		},
		{
			name: "no list where one should be",
			set:  func(c *Config, beside string) { c.ReportsFile = filepath.Join(beside, "list") },
			want: "absent",
			err:  "the list of tracefiles cannot be read: open BESIDE/list: no such file or directory",
		},
		{name: "an LLVM profile alone is copied", files: map[string]string{"x.profdata": "\x00profile"}, want: "\x00profile"},
		{name: "an LLVM profile beside other coverage", files: map[string]string{"x.profdata": "\x00profile", "x.dat": a}, want: aOut, found: "profdata"},
		{name: "two LLVM profiles", files: map[string]string{"x.profdata": "1", "y.profdata": "2"}, found: "profdata profdata"},
		{
			name:  "no coverage leaves an output that is there",
			files: map[string]string{"@out.dat": "from before"},
			want:  "from before",
		},
		{
			name:  "notes alone are coverage's due",
			files: map[string]string{"x.dat": "#covwrap spawned=1 covered=0 collected=0\n"},
			set:   func(c *Config, _ string) { c.Notes = true },
			want:  "#covwrap collected=0 covered=0 spawned=1 tests=1\n",
		},
		{
			name:  "a function without a line",
			files: map[string]string{"x.dat": "SF:a/a.go\nFNDA:1,f\nDA:1,1\nend_of_record\n"},
			want:  aOut,
			found: "function-without-line",
		},
		{
			name:  "the folder of the output is not there",
			files: map[string]string{"x.dat": a},
			set:   func(c *Config, beside string) { c.OutputFile = filepath.Join(beside, "no", "out.dat") },
			want:  "absent",
			err:   "open BESIDE/no/out.dat: no such file or directory",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, beside := t.TempDir(), t.TempDir()
			for name, text := range c.files {
				path := filepath.Join(dir, name)
				if name[0] == '@' {
					path = filepath.Join(beside, name[1:])
				}
				text = strings.ReplaceAll(text, "LISTED", filepath.Join(beside, "listed"))
				if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			config := Config{CoverageDir: dir, OutputFile: filepath.Join(beside, "out.dat")}
			if c.set != nil {
				c.set(&config, beside)
			}
			var log trouble.Log
			_, err := Run(config, &log)
			message := ""
			if err != nil {
				message = strings.ReplaceAll(err.Error(), beside, "BESIDE")
			}
			if c.err == "" && message != "" || !strings.HasPrefix(message, c.err) {
				t.Errorf("error %q, want %q", message, c.err)
			}
			got := "absent"
			if out, err := os.ReadFile(config.OutputFile); err == nil {
				got = string(out)
			}
			if got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
			var found []string
			for _, f := range log.Findings() {
				found = append(found, f.Slug)
			}
			if got := strings.Join(found, " "); got != c.found {
				t.Errorf("found %q, want %q: %v", got, c.found, log.Findings())
			}
			for _, left := range glob(t, beside) {
				t.Errorf("%s was left behind", left)
			}
		})
	}
}

// glob lists temporary files.
func glob(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, ".*covwrap*"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}
