package cover

import (
	"runtime"
	"slices"
	"strings"
	"sync"
)

// namedFile has the name beside the pointer: with millions of files, the time
// goes into waiting for the memory that they point to.
type namedFile struct {
	name string
	file *File
}

// sortFiles returns the files sorted by name. Each processor sorts a part of
// all, and the parts are merged.
func sortFiles(all []namedFile) []*File {
	const (
		least = 1 << 14 // below this, one processor is done before another has begun
		most  = 8       // parts, since merging looks at each part for each file
	)
	n := max(1, min(runtime.GOMAXPROCS(0), most, len(all)/least))
	parts := make([][]namedFile, n)
	var wg sync.WaitGroup
	for i := range parts {
		parts[i] = all[i*len(all)/n : (i+1)*len(all)/n]
		wg.Add(1)
		go func() {
			defer wg.Done()
			slices.SortFunc(parts[i], func(a, b namedFile) int { return strings.Compare(a.name, b.name) })
		}()
	}
	wg.Wait()
	files := make([]*File, 0, len(all))
	for range all {
		first := -1
		for i, part := range parts {
			if len(part) > 0 && (first < 0 || part[0].name < parts[first][0].name) {
				first = i
			}
		}
		files = append(files, parts[first][0].file)
		parts[first] = parts[first][1:]
	}
	return files
}
