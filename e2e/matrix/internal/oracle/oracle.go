//go:build linux

// Package oracle knows what a coverage report must say. The sources under test
// bear tags, "// #name" at the end of a line of a statement; each block of
// statements that Go counts has exactly one, so that a table of counts by tag
// is a whole report: what it does not name was not run.
package oracle

import (
	"bufio"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"
)

// Counts is how often blocks ran, by tag.
type Counts map[string]uint64

// Sum adds counts up.
func Sum(all ...Counts) Counts {
	sum := Counts{}
	for _, c := range all {
		for tag, n := range c {
			sum[tag] += n
		}
	}
	return sum
}

// Times multiplies counts.
func (c Counts) Times(n uint64) Counts {
	many := Counts{}
	for tag, count := range c {
		many[tag] = n * count
	}
	return many
}

// position is a line of a file as Go's profiles name it ("import/path/x.go").
type position struct {
	file string
	line int
}

// Tags are the tags of a source tree.
type Tags struct {
	at     map[position]string
	column map[position]int
	opens  map[position]bool
}

var tagged = regexp.MustCompile(`^(\s*)\S.*// #([a-z0-9.-]+)$`)

// ReadTags reads the tags of the Go files in the folders below root, whose
// import paths begin with module. It refuses a tag that two lines bear.
func ReadTags(root, module string, folders ...string) (*Tags, error) {
	t := &Tags{map[position]string{}, map[position]int{}, map[position]bool{}}
	seen := map[string]position{}
	for _, folder := range folders {
		files, err := filepath.Glob(filepath.Join(root, folder, "*.go"))
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				return nil, err
			}
			for i, line := range strings.Split(string(data), "\n") {
				m := tagged.FindStringSubmatch(line)
				if m == nil {
					continue
				}
				pos := position{path.Join(module, folder, filepath.Base(file)), i + 1}
				if other, ok := seen[m[2]]; ok {
					return nil, fmt.Errorf("tag %q is borne by %v and by %v", m[2], other, pos)
				}
				seen[m[2]] = pos
				t.at[pos] = m[2]
				t.column[pos] = len(m[1]) + 1
				t.opens[pos] = strings.Contains(line, "{ // #")
			}
		}
	}
	return t, nil
}

// Has reports whether a line bears the tag.
func (t *Tags) Has(tag string) bool {
	for _, name := range t.at {
		if name == tag {
			return true
		}
	}
	return false
}

// Block is a line of a Go text profile.
type Block struct {
	File                string
	StartLine, StartCol int
	EndLine, EndCol     int
	Stmts               int
	Count               uint64
}

var profileLine = regexp.MustCompile(`^(.+):(\d+)\.(\d+),(\d+)\.(\d+) (\d+) (\d+)$`)

// ReadProfile reads a Go text profile. A file that is not one, and a block that
// stands in it twice, are errors: the reports under test are merged ones.
func ReadProfile(name string) (mode string, blocks []Block, err error) {
	f, err := os.Open(name)
	if err != nil {
		return "", nil, err
	}
	defer f.Close()
	seen := map[string]bool{}
	s := bufio.NewScanner(f)
	for s.Scan() {
		if m, ok := strings.CutPrefix(s.Text(), "mode: "); ok && mode == "" {
			mode = m
			continue
		}
		m := profileLine.FindStringSubmatch(s.Text())
		if m == nil || mode == "" {
			return "", nil, fmt.Errorf("%s: not a line of a Go coverage profile: %q", name, s.Text())
		}
		b := Block{File: m[1]}
		for i, field := range []*int{&b.StartLine, &b.StartCol, &b.EndLine, &b.EndCol, &b.Stmts} {
			*field, _ = strconv.Atoi(m[i+2]) // digits by the expression
		}
		if b.Count, err = strconv.ParseUint(m[7], 10, 64); err != nil {
			return "", nil, fmt.Errorf("%s: %w", name, err)
		}
		where := s.Text()[:strings.LastIndexByte(s.Text(), ' ')]
		if seen[where] {
			return "", nil, fmt.Errorf("%s: %s stands there twice", name, where)
		}
		seen[where] = true
		blocks = append(blocks, b)
	}
	return mode, blocks, s.Err()
}

// holds reports whether the block's statements include the position.
func (b Block) holds(pos position, column int) bool {
	if b.File != pos.file {
		return false
	}
	afterStart := pos.line > b.StartLine || pos.line == b.StartLine && column >= b.StartCol
	beforeEnd := pos.line < b.EndLine || pos.line == b.EndLine && column < b.EndCol
	return afterStart && beforeEnd
}

// Name finds each block's tag. Errors name the blocks that have none or many.
func (t *Tags) Name(blocks []Block) (map[string]Block, error) {
	named := map[string]Block{}
	var wrong []string
	for _, b := range blocks {
		var tags []string
		for pos, tag := range t.at {
			if b.holds(pos, t.column[pos]) {
				tags = append(tags, tag)
			}
		}
		if len(tags) != 1 {
			sort.Strings(tags)
			wrong = append(wrong, fmt.Sprintf("the block at %s:%d.%d has the tags %q, not exactly one", b.File, b.StartLine, b.StartCol, tags))
			continue
		}
		if other, ok := named[tags[0]]; ok {
			wrong = append(wrong, fmt.Sprintf("the blocks at %s:%d.%d and %d.%d share the tag %q", b.File, b.StartLine, b.StartCol, other.StartLine, other.StartCol, tags[0]))
		}
		named[tags[0]] = b
	}
	if wrong != nil {
		sort.Strings(wrong)
		return nil, fmt.Errorf("%s", strings.Join(wrong, "\n"))
	}
	return named, nil
}

// Want is a whole report.
type Want struct {
	Counts Counts
	// Slack allows a count to be greater by so much: the goroutines that
	// may have been between counting and saying that they did.
	Slack map[string]uint64
	// Any are tags whose count depends on chance; they must have run.
	Any []string
	// Set says that the mode is "set": what ran has the count 1.
	Set bool
}

// Compare returns what is wrong with the report, one line each.
func (w Want) Compare(got map[string]Block) []string {
	var wrong []string
	any := map[string]bool{}
	for _, tag := range w.Any {
		any[tag] = true
		if got[tag].Count == 0 {
			wrong = append(wrong, fmt.Sprintf("%s: count 0, want at least 1", tag))
		}
	}
	for tag := range w.Counts {
		if _, ok := got[tag]; !ok && w.Counts[tag] != 0 {
			wrong = append(wrong, fmt.Sprintf("%s: not in the report, want %d", tag, w.Counts[tag]))
		}
	}
	for tag, b := range got {
		least, most := w.Counts[tag], w.Counts[tag]+w.Slack[tag]
		if w.Set {
			least, most = min(least, 1), min(most, 1)
		}
		switch {
		case any[tag] || least <= b.Count && b.Count <= most:
		case least == most:
			wrong = append(wrong, fmt.Sprintf("%s: count %d, want %d", tag, b.Count, least))
		default:
			wrong = append(wrong, fmt.Sprintf("%s: count %d, want %d to %d", tag, b.Count, least, most))
		}
	}
	sort.Strings(wrong)
	return wrong
}

// Lines is what an LCOV tracefile must say of the same run: for each file, the
// count of each line, which is the greatest of the blocks that lie on it.
func Lines(blocks []Block) map[string]map[int]uint64 {
	files := map[string]map[int]uint64{}
	for _, b := range blocks {
		if b.Stmts == 0 {
			continue
		}
		if files[b.File] == nil {
			files[b.File] = map[int]uint64{}
		}
		for line := b.StartLine; line <= b.EndLine; line++ {
			files[b.File][line] = max(files[b.File][line], b.Count)
		}
	}
	return files
}

// At returns the tag that a line bears.
func (t *Tags) At(file string, line int) (string, bool) {
	tag, ok := t.at[position{file, line}]
	return tag, ok
}

// Opens reports whether the tag's line also opens another block, so that the
// line's count in a tracefile may be that block's.
func (t *Tags) Opens(tag string) bool {
	for pos, name := range t.at {
		if name == tag {
			return t.opens[pos]
		}
	}
	return false
}
