// Package merger reads any number of coverage files into one set, in parallel
// and within bounded memory: what it holds grows with the distinct records,
// not with the number or the size of the inputs.
package merger

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/covwrap/covwrap/tools/covwrap/internal/cover"
	"github.com/covwrap/covwrap/tools/covwrap/internal/gcov"
	"github.com/covwrap/covwrap/tools/covwrap/internal/lcov"
	"github.com/covwrap/covwrap/tools/covwrap/internal/trouble"
)

// Format is how a file is read.
type Format int

// The formats of coverage that have their own lines, functions and branches.
const (
	Tracefile Format = iota
	// Baseline is a tracefile of what could be covered: Bazel up to 8 writes
	// records without lines there, which say nothing and are skipped.
	Baseline
	GcovText
	GcovJSON
)

// Input is one file to read.
type Input struct {
	Path   string
	Format Format
}

// Options says how to read.
type Options struct {
	Parallelism int // 0: as many as there are processors
	ByTest      bool
	// Progress, if not nil, is told from time to time what was read so far. It
	// is called from one goroutine at a time.
	Progress func(Stats)
}

// Stats says what was read.
type Stats struct {
	All   int   // inputs
	Files int   // those that could be read
	Bytes int64 // read from them
}

// chunkSize is how much of a tracefile one worker takes at a time. It is fixed,
// so that how a file is divided does not depend on the number of workers.
const chunkSize = 4 << 20

// job is one part of one input.
type job struct {
	in       *input
	from, to int64
}

// input is an open input; the last of its jobs closes it.
type input struct {
	Input
	file *os.File
	size int64
	left atomic.Int32
}

// Merge adds all inputs to set. It never fails: an input that is missing,
// unreadable or broken is reported to log and the others are read.
func Merge(inputs []Input, set *cover.Set, log *trouble.Log, opt Options) Stats {
	workers := opt.Parallelism
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	m := &merge{set: set, log: log, opt: opt, stats: Stats{All: len(inputs)}}
	jobs := make(chan job, 4*workers)
	var wg sync.WaitGroup
	for range workers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			parser := lcov.NewParser(set, log)
			for j := range jobs {
				m.run(parser, j)
			}
		}()
	}
	for _, in := range inputs {
		m.open(in, jobs)
	}
	close(jobs)
	wg.Wait()
	set.Saturated(func(f *cover.File, line uint32) {
		log.Addf("count-saturated", f.Name, "the sum of the counts of line %d, and perhaps of others, is larger than %d, which was taken", line, int64(cover.MaxCount))
	})
	return m.stats
}

// merge is the state of one Merge.
type merge struct {
	set *cover.Set
	log *trouble.Log
	opt Options

	mu    sync.Mutex // for the below
	stats Stats
}

// open opens one input and hands out its jobs.
func (m *merge) open(in Input, jobs chan<- job) {
	f, err := os.Open(in.Path)
	if err != nil {
		m.unreadable(in.Path, err, "it was left out")
		return
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = errors.New("it is a folder")
	}
	if err != nil {
		f.Close()
		m.unreadable(in.Path, err, "it was left out")
		return
	}
	open := &input{Input: in, file: f, size: info.Size()}
	if !info.Mode().IsRegular() || in.Format > Baseline || open.size <= chunkSize {
		open.left.Store(1)
		jobs <- job{open, 0, open.size}
		return
	}
	open.left.Store(int32((open.size + chunkSize - 1) / chunkSize))
	for from := int64(0); from < open.size; from += chunkSize {
		jobs <- job{open, from, min(from+chunkSize, open.size)}
	}
}

// run reads one part.
func (m *merge) run(parser *lcov.Parser, j job) {
	var err error
	switch j.in.Format {
	case GcovText:
		err = gcov.ParseText(j.in.file, j.in.Path, m.set, m.log)
	case GcovJSON:
		err = gcov.ParseJSON(j.in.file, j.in.Path, m.set, m.log)
	default:
		opt := lcov.Options{Path: j.in.Path, ByTest: m.opt.ByTest, SkipEmpty: j.in.Format == Baseline}
		if j.from == 0 && j.to == j.in.size {
			err = parser.Parse(j.in.file, opt)
		} else {
			err = parser.ParseChunk(j.in.file, j.from, j.to, j.in.size, opt)
		}
	}
	if err != nil && err != io.EOF {
		m.unreadable(j.in.Path, err, "what was read before was used")
	}
	last := j.in.left.Add(-1) == 0
	if last {
		j.in.file.Close()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stats.Bytes += j.to - j.from
	if last {
		m.stats.Files++
	}
	if m.opt.Progress != nil {
		m.opt.Progress(m.stats)
	}
}

// unreadable reports an input that could not be read to its end, and what was
// done about it.
func (m *merge) unreadable(path string, err error, done string) {
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	m.log.Addf("unreadable", path, "%v; %s", err, done)
}
