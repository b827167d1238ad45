//go:build linux

package oracle

import (
	"bufio"
	"fmt"
	"os"
	"path"
	"strings"
)

// CompareLCOV returns how the line counts of the tracefile differ from those
// that follow from the blocks. module is the prefix of the blocks' file names
// that is no part of the tracefile's, which are relative to the module's root.
// In mode "set" the blocks have the counts 0 and 1, but tracefiles count in how
// many processes a line ran, as all that merge them do.
func CompareLCOV(tracefile, module string, blocks []Block, set bool) ([]string, error) {
	got, err := readLCOV(tracefile)
	if err != nil {
		return nil, err
	}
	want := Lines(blocks)
	var wrong []string
	for file, lines := range want {
		source := strings.TrimPrefix(file, module+"/")
		if got[source] == nil {
			wrong = append(wrong, fmt.Sprintf("no record of %s in the tracefile", source))
			continue
		}
		for line, count := range lines {
			switch n, ok := got[source][line]; {
			case !ok:
				wrong = append(wrong, fmt.Sprintf("%s:%d: no DA line, want count %d", source, line, count))
			case set && count != 0 && n != 0:
			case n != count:
				wrong = append(wrong, fmt.Sprintf("%s:%d: DA count %d, want %d", source, line, n, count))
			}
		}
		for line := range got[source] {
			if _, ok := lines[line]; !ok {
				wrong = append(wrong, fmt.Sprintf("%s:%d: a DA line where no block is", source, line))
			}
		}
		delete(got, source)
	}
	for source := range got {
		wrong = append(wrong, fmt.Sprintf("a record of %s, which is in no profile", source))
	}
	return wrong, nil
}

// readLCOV reads the DA lines of a tracefile. It refuses a file that has two
// records, and a name that is absolute or leaves the source tree.
func readLCOV(tracefile string) (map[string]map[int]uint64, error) {
	f, err := os.Open(tracefile)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	files := map[string]map[int]uint64{}
	var lines map[int]uint64
	s := bufio.NewScanner(f)
	for s.Scan() {
		if source, ok := strings.CutPrefix(s.Text(), "SF:"); ok {
			if path.IsAbs(source) || path.Clean(source) != source || strings.HasPrefix(source, "..") {
				return nil, fmt.Errorf("%s: SF:%s is not relative to the root of the sources", tracefile, source)
			}
			if files[source] != nil {
				return nil, fmt.Errorf("%s: two records of %s", tracefile, source)
			}
			lines = map[int]uint64{}
			files[source] = lines
		}
		var line int
		var count uint64
		if n, _ := fmt.Sscanf(s.Text(), "DA:%d,%d", &line, &count); n == 2 {
			lines[line] = count
		}
	}
	return files, s.Err()
}
