// Package gitdiff asks git which lines of which files are new since a
// revision.
package gitdiff

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
)

// Range is lines First to Last of a file, both included.
type Range struct {
	First, Last int
}

// Changes is what is new, by path relative to the top of the working tree, with
// forward slashes. Ranges are in order and do not overlap.
type Changes struct {
	Top   string // absolute path of the working tree
	Base  string // the commit that is compared with
	Files map[string][]Range
}

// Since returns the lines of the working tree of dir that are new since the
// revision base, or, if it is not an ancestor, since the commit in which the
// histories parted. Files that git does not know yet are new as a whole.
func Since(dir, base string) (*Changes, error) {
	top, err := git(dir, "rev-parse", "--show-toplevel")
	if err != nil {
		return nil, err
	}
	c := &Changes{Top: strings.TrimSpace(top), Files: map[string][]Range{}}
	commit, err := git(dir, "rev-parse", "--verify", "--quiet", "--end-of-options", base+"^{commit}")
	if err != nil {
		return nil, fmt.Errorf("%q is no revision of the repository in %s", base, c.Top)
	}
	c.Base = strings.TrimSpace(commit)
	if parted, err := git(dir, "merge-base", c.Base, "HEAD"); err == nil {
		c.Base = strings.TrimSpace(parted)
	}
	// -c and --no-ext-diff: a user's own settings must not change the form.
	diff, err := git(c.Top, "-c", "core.quotePath=false", "-c", "diff.mnemonicPrefix=false", "-c", "diff.noprefix=false",
		"diff", "--no-color", "--no-ext-diff", "--no-textconv", "--unified=0", "--src-prefix=a/", "--dst-prefix=b/", "--find-renames", c.Base, "--")
	if err != nil {
		return nil, err
	}
	if err := Parse(strings.NewReader(diff), c.Files); err != nil {
		return nil, err
	}
	others, err := git(c.Top, "ls-files", "-z", "--others", "--exclude-standard")
	if err != nil {
		return nil, err
	}
	for _, name := range strings.Split(others, "\x00") {
		if name == "" {
			continue
		}
		if n, err := countLines(filepath.Join(c.Top, filepath.FromSlash(name))); err == nil && n > 0 {
			c.Files[name] = []Range{{1, n}}
		}
	}
	return c, nil
}

// git runs git and returns what it says.
func git(dir string, args ...string) (string, error) {
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("git %s: %s", args[0], strings.TrimSpace(stderr.String()))
		}
		return "", err
	}
	return string(out), nil
}

// countLines counts the lines of a file.
func countLines(path string) (int, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	buf := make([]byte, 64<<10)
	lines, last := 0, byte('\n')
	for {
		n, err := f.Read(buf)
		lines += bytes.Count(buf[:n], []byte{'\n'})
		if n > 0 {
			last = buf[n-1]
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return 0, err
		}
	}
	if last != '\n' {
		lines++
	}
	return lines, nil
}

// maxLine is the largest line number that is believed.
const maxLine = 1 << 30

// Parse adds the new lines of a unified diff to files. Only the headers of
// files and hunks matter:
//
//	+++ b/path
//	@@ -old[,count] +new[,count] @@
func Parse(r io.Reader, files map[string][]Range) error {
	br := bufio.NewReader(r)
	name := ""
	for number := 1; ; number++ {
		line, err := br.ReadString('\n')
		if err != nil && err != io.EOF {
			return err
		}
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "+++ "):
			name = fileName(line[len("+++ "):])
		case strings.HasPrefix(line, "@@ "):
			old, rg, ok := hunk(line)
			if !ok {
				return fmt.Errorf("line %d of git's diff is not as expected: %q", number, line)
			}
			if name != "" && rg.Last >= rg.First {
				files[name] = append(files[name], rg)
			}
			// What a hunk holds may look like a header.
			for skip := old + rg.Last - rg.First + 1; skip > 0 && err == nil; skip-- {
				var body string
				if body, err = br.ReadString('\n'); strings.HasPrefix(body, "\\") {
					skip++ // "\ No newline at end of file"
				}
				number++
			}
		}
		if err == io.EOF {
			break
		}
	}
	for name, ranges := range files {
		files[name] = tidy(ranges)
	}
	return nil
}

// fileName is the path in a "+++" line: "" for a file that was deleted.
func fileName(s string) string {
	s, _, _ = strings.Cut(s, "\t") // git ends names with spaces so
	if strings.HasPrefix(s, "\"") {
		if unquoted, err := strconv.Unquote(s); err == nil {
			s = unquoted
		}
	}
	name, ok := strings.CutPrefix(s, "b/")
	if !ok {
		return ""
	}
	return name
}

// hunk parses the header of a hunk.
func hunk(line string) (old int, rg Range, ok bool) {
	fields := strings.Fields(line)
	if len(fields) < 4 || fields[3] != "@@" || fields[1][0] != '-' || fields[2][0] != '+' {
		return 0, Range{}, false
	}
	_, old, ok1 := span(fields[1][1:])
	first, count, ok2 := span(fields[2][1:])
	return old, Range{first, first + count - 1}, ok1 && ok2
}

// span parses first[,count].
func span(s string) (first, count int, ok bool) {
	a, b, has := strings.Cut(s, ",")
	first, err := strconv.Atoi(a)
	if count = 1; has && err == nil {
		count, err = strconv.Atoi(b)
	}
	return first, count, err == nil && first >= 0 && count >= 0 && first < maxLine && count < maxLine
}

// tidy sorts ranges and joins those that overlap or touch.
func tidy(ranges []Range) []Range {
	sort.Slice(ranges, func(i, j int) bool { return ranges[i].First < ranges[j].First })
	var out []Range
	for _, r := range ranges {
		if n := len(out); n > 0 && r.First <= out[n-1].Last+1 {
			out[n-1].Last = max(out[n-1].Last, r.Last)
		} else {
			out = append(out, r)
		}
	}
	return out
}
