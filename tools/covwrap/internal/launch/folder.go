package launch

import (
	"sync"
	"time"

	"github.com/covwrap/covwrap/tools/covwrap/internal/collect"
	"github.com/covwrap/covwrap/tools/covwrap/internal/profdir"
)

// folder folds what has ended while the test still runs, so that the profile
// directory stays small. It does so seldom and for many files at once, at the
// priority of the test: with a lower one, a test that keeps all processors busy
// with short children fills the disk before a single fold is done, and the work
// is only put off.
type folder struct {
	mu        sync.Mutex // guards the collector
	collector *collect.Collector
	dir       string
	quit      chan struct{}
	done      chan struct{}
}

const (
	// foldEvery is how often the number of files is looked at.
	foldEvery = 100 * time.Millisecond
	// foldAt is the number of new files that is worth a fold: at the size of
	// a big binary's counter map, about 100 MB.
	foldAt = 128
	// relieveTicks is a second of foldEvery.
	relieveTicks = 10
)

func newFolder(c collect.Config) *folder {
	f := &folder{collector: collect.New(c), dir: c.Dir, quit: make(chan struct{}), done: make(chan struct{})}
	go f.loop()
	return f
}

func (f *folder) loop() {
	defer close(f.done)
	tick := time.NewTicker(foldEvery)
	defer tick.Stop()
	left, ticks := 0, 0
	for {
		select {
		case <-f.quit:
			return
		case <-tick.C:
		}
		f.aggregate(ticks%relieveTicks == 0)
		ticks++
		n := f.files()
		if n < left+foldAt {
			left = min(left, n)
			continue
		}
		// What came meanwhile is new: counted as left, it would put off the next
		// fold, the longer the slower the machine is.
		left = f.fold()
	}
}

// aggregate looks after the maps into which several processes count.
func (f *folder) aggregate(relieve bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.collector.Consider()
	if relieve {
		f.collector.Relieve()
	}
}

func (f *folder) fold() (left int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	left, _ = f.collector.Fold() // the collector names what is wrong
	return left
}

// files counts the files that may be folded.
func (f *folder) files() int {
	n := 0
	profdir.List(f.dir, func(e profdir.Entry) {
		if e.Kind == profdir.Map || e.Kind == profdir.Counters {
			n++
		}
	})
	return n
}

// snapshot returns what there is to collect now, without changing anything.
func (f *folder) snapshot() *collect.Result {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.collector.Clone()
	c.Finish()
	return c.Result()
}

// stop ends the folding and returns the collector.
func (f *folder) stop() *collect.Collector {
	close(f.quit)
	<-f.done
	return f.collector
}
