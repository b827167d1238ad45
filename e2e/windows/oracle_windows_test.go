package windows

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// counts is how often blocks of the subject ran, by name; a block that is not
// there did not run.
type counts map[string]uint64

// plus adds counts up.
func (c counts) plus(more counts) counts {
	sum := counts{}
	for _, m := range []counts{c, more} {
		for name, n := range m {
			sum[name] += n
		}
	}
	return sum
}

var (
	tagged = regexp.MustCompile(`// #([a-z-]+)$`)
	block  = regexp.MustCompile(`^example\.com/windows/subject/main\.go:(\d+)\.\d+,(\d+)\.\d+ \d+ (\d+)$`)
)

// readCounts reads a Go text profile of the subject. A block that bears no name,
// or two, is an error: then a count would go unchecked.
func readCounts(profile string) (counts, error) {
	source, err := os.ReadFile(filepath.Join("subject", "main.go"))
	if err != nil {
		return nil, err
	}
	names := map[int]string{}
	for i, line := range strings.Split(string(source), "\n") {
		if m := tagged.FindStringSubmatch(strings.TrimRight(line, "\r")); m != nil {
			names[i+1] = m[1]
		}
	}
	f, err := os.Open(profile)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	c, seen := counts{}, map[string]bool{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "mode: ") {
			continue
		}
		m := block.FindStringSubmatch(lines.Text())
		if m == nil {
			return nil, fmt.Errorf("%s: unexpected line %q", profile, lines.Text())
		}
		from, _ := strconv.Atoi(m[1]) // digits by the expression
		to, _ := strconv.Atoi(m[2])
		n, err := strconv.ParseUint(m[3], 10, 64)
		if err != nil {
			return nil, err
		}
		var here []string
		for line := from; line <= to; line++ {
			if names[line] != "" {
				here = append(here, names[line])
			}
		}
		if len(here) == 0 {
			return nil, fmt.Errorf("subject/main.go:%d: the block has no name", from)
		}
		name := here[0]
		if seen[name] {
			return nil, fmt.Errorf("subject/main.go:%d: %q names two blocks", from, name)
		}
		seen[name] = true
		if n > 0 {
			c[name] = n
		}
	}
	for _, name := range names {
		if len(seen) > 0 && !seen[name] {
			return nil, fmt.Errorf("%s has no block %q", profile, name)
		}
	}
	return c, lines.Err()
}

// differences says how counts differ from what is expected.
func differences(got, want counts) (wrong []string) {
	for name := range want.plus(got) {
		if got[name] != want[name] {
			wrong = append(wrong, fmt.Sprintf("block %s: %d, want %d", name, got[name], want[name]))
		}
	}
	slices.Sort(wrong)
	return wrong
}
