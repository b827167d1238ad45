// Package live looks at covered processes while they run. Their counters lie
// in files already, so looking costs them nothing and changes nothing.
package live

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/covwrap/covwrap/embed/countermap"
)

// Find returns the counter map files of running processes.
//
// With dir it looks into that profile directory, at the processes pids or, if
// there are none, at all. Without dir it looks into the address spaces of
// pids, or of every process of the machine that this user may see; that finds
// a map wherever it lies. An error names a process that was asked for and has
// no map, and why that may be.
func Find(dir string, pids []int) ([]string, error) {
	if dir != "" {
		return inDir(dir, pids)
	}
	named := len(pids) > 0
	if !named {
		var err error
		if pids, err = processes(); err != nil {
			return nil, err
		}
	}
	var files []string
	var errs []error
	for _, pid := range pids {
		file, err := mapped(pid)
		switch {
		case err != nil && named:
			errs = append(errs, fmt.Errorf("process %d: %w", pid, err))
		case file != "":
			if !slices.Contains(files, file) { // several count into one
				files = append(files, file)
			}
		case named:
			errs = append(errs, fmt.Errorf("process %d has no counter map: it was built without covwrap's runtime (build it with \"covwrap go build\"), or was started with no COVWRAP_DIR", pid))
		}
	}
	return files, errors.Join(errs...)
}

// inDir lists the maps of a profile directory whose process runs.
func inDir(dir string, pids []int) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("profile directory: %w", err)
	}
	asked := map[int]bool{}
	for _, pid := range pids {
		asked[pid] = true
	}
	var files []string
	for _, e := range entries {
		if !isMap(e.Name()) || !e.Type().IsRegular() {
			continue
		}
		file := filepath.Join(dir, e.Name())
		m, err := countermap.Open(file)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, countermap.ErrUnfinished) {
			continue // ended and collected meanwhile, or just starting
		}
		if err != nil {
			return files, err
		}
		found := false
		for _, pid := range running(m) {
			if len(pids) == 0 || asked[pid] {
				found = true
				delete(asked, pid)
			}
		}
		m.Close()
		if found {
			files = append(files, file)
		}
	}
	var errs []error
	for _, pid := range pids {
		if asked[pid] {
			errs = append(errs, fmt.Errorf("process %d has no counter map in %s: it has ended, or was built without covwrap's runtime (build it with \"covwrap go build\")", pid, dir))
		}
	}
	sort.Strings(files)
	return files, errors.Join(errs...)
}

// isMap reports whether a file of a profile directory is a counter map, of one
// process or of many.
func isMap(name string) bool {
	return strings.HasPrefix(name, countermap.FilePrefix) || strings.HasPrefix(name, countermap.AggregatePrefix)
}

// running returns the processes that count into a map and have not ended.
func running(m *countermap.Map) (pids []int) {
	records, _ := m.Records() // without them it counts as one that nobody uses
	if m.Flags&countermap.Aggregate == 0 {
		records = []countermap.Record{{PID: m.PID, PIDNS: m.PIDNS, Ticks: m.Ticks}}
	}
	for _, r := range records {
		if runs(r.PID, r.PIDNS, r.Ticks) {
			pids = append(pids, r.PID)
		}
	}
	return pids
}
