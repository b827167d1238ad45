package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/covwrap/covwrap/tools/covwrap/internal/bep"
	"github.com/covwrap/covwrap/tools/covwrap/internal/cas"
)

// chunkBytes and chunkAttempts bound what is fetched together: small blobs of
// as many attempts travel in few calls.
const (
	chunkBytes    = 4 << 20
	chunkAttempts = 64
)

// fetcher is the state of one [Each].
type fetcher struct {
	build    *bep.Build
	names    []string // of the attempts' folders
	opts     Options
	dir      string
	client   *cas.Client
	disk     *budget
	received atomic.Int64 // bytes from the remote cache
	running  sync.WaitGroup
}

func newFetcher(b *bep.Build, opts Options) (*fetcher, error) {
	if opts.Jobs <= 0 {
		opts.Jobs = 16
	}
	if opts.MaxDisk <= 0 {
		opts.MaxDisk = 1 << 30
	}
	client, err := cas.New(RemoteOptions(b, opts.Remote))
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(opts.Dir, "covwrap-fetch-")
	if err != nil {
		return nil, err
	}
	return &fetcher{build: b, names: names(b.Tests), opts: opts, dir: dir, client: client, disk: newBudget(opts.MaxDisk)}, nil
}

func (f *fetcher) close() {
	f.client.Close()
	os.RemoveAll(f.dir)
}

// startAll fetches everything in the background and returns the attempts in
// order. The budget of disk is taken in that order too, so that the attempt
// that fn waits for never waits for one behind it.
func (f *fetcher) startAll(ctx context.Context) <-chan *pending {
	out := make(chan *pending, len(f.build.Tests))
	jobs := make(chan struct{}, f.opts.Jobs)
	f.running.Add(1)
	go func() {
		defer f.running.Done()
		for first := 0; first < len(f.build.Tests); {
			chunk := f.nextChunk(first)
			first += len(chunk)
			for _, p := range chunk {
				if !f.disk.acquire(ctx, &p.cost) {
					return
				}
			}
			select {
			case jobs <- struct{}{}:
			case <-ctx.Done():
				return
			}
			f.running.Add(1)
			go func() {
				defer f.running.Done()
				defer func() { <-jobs }()
				f.fetch(ctx, chunk)
			}()
			for _, p := range chunk {
				out <- p
			}
		}
	}()
	return out
}

// nextChunk returns the attempts from first on that are fetched together.
func (f *fetcher) nextChunk(first int) []*pending {
	var chunk []*pending
	var total int64
	for i := first; i < len(f.build.Tests) && len(chunk) < chunkAttempts; i++ {
		t := &f.build.Tests[i]
		p := &pending{test: t, name: f.names[i], dir: filepath.Join(f.dir, fmt.Sprint(i)), done: make(chan struct{})}
		for _, w := range f.opts.wanted(t) {
			if ref, err := cas.ParseURI(w.output.URI); err == nil {
				p.cost += ref.Digest.Size
			}
		}
		// What waits for the budget together must fit together.
		if len(chunk) > 0 && (total+p.cost > chunkBytes || total+p.cost > f.opts.MaxDisk/2) {
			break
		}
		total += p.cost
		chunk = append(chunk, p)
	}
	return chunk
}

// fetch brings a chunk: what is small in batches, then the rest one by one.
func (f *fetcher) fetch(ctx context.Context, chunk []*pending) {
	type use struct {
		p *pending
		w want
	}
	small := map[cas.Ref][]use{}
	var refs []cas.Ref
	rest := map[*pending][]want{}
	for _, p := range chunk {
		if err := os.MkdirAll(p.dir, 0o777); err != nil {
			p.failed(err)
			continue
		}
		for _, w := range f.opts.wanted(p.test) {
			ref, err := cas.ParseURI(w.output.URI)
			if isRemote(w.output.URI) && err == nil && cas.Batchable(ref) && !w.tree {
				if _, ok := small[ref]; !ok {
					refs = append(refs, ref)
				}
				small[ref] = append(small[ref], use{p, w})
			} else {
				rest[p] = append(rest[p], w)
			}
		}
	}
	f.client.GetBatch(ctx, refs, func(ref cas.Ref, data []byte, err error) {
		f.received.Add(int64(len(data)))
		for _, u := range small[ref] {
			if err := errors.Join(err, f.place(u.p, u.w, data, err)); err != nil {
				u.p.failed(fmt.Errorf("%s: %w", u.w.name, err))
			}
		}
	})
	for _, p := range chunk {
		for _, w := range rest[p] {
			if err := f.single(ctx, p, w); err != nil {
				p.failed(fmt.Errorf("%s: %w", w.name, err))
			}
		}
		close(p.done)
	}
}

// place puts the content of a small output where it belongs, unless it could
// not be had.
func (f *fetcher) place(p *pending, w want, data []byte, failed error) error {
	switch {
	case failed != nil:
		return nil
	case w.unzip:
		return unzip(bytes.NewReader(data), int64(len(data)), filepath.Join(p.dir, OutputsDir))
	}
	return os.WriteFile(filepath.Join(p.dir, w.file), data, 0o666)
}

// single brings one output that is large, local, or in the event itself.
func (f *fetcher) single(ctx context.Context, p *pending, w want) error {
	if w.output.Contents != nil {
		return f.place(p, w, w.output.Contents, nil)
	}
	if !isRemote(w.output.URI) {
		path, err := localPath(w.output.URI)
		if err != nil {
			return err
		}
		if err := f.local(p, w, path); err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("%w: the build was on another machine, or a later build has replaced it", err)
			}
			return err
		}
		return nil
	}
	ref, err := cas.ParseURI(w.output.URI)
	if err != nil {
		return err
	}
	if w.tree {
		return errors.New("a folder in the remote cache cannot be read: build with --zip_undeclared_test_outputs")
	}
	if w.unzip {
		// An archive may hold gigabytes that are not ours: only the blocks with
		// its directory and our members are read. Each member has a checksum.
		r := &countingReaderAt{r: f.client.NewReader(ctx, ref), n: &f.received}
		return unzip(r, ref.Digest.Size, filepath.Join(p.dir, OutputsDir))
	}
	file, err := os.Create(filepath.Join(p.dir, w.file))
	if err != nil {
		return err
	}
	defer file.Close()
	if err := f.client.Get(ctx, ref, file); err != nil {
		os.Remove(file.Name()) // never a part of a file
		return err
	}
	f.received.Add(ref.Digest.Size)
	return file.Close()
}

// local takes an output from this machine's disk.
func (f *fetcher) local(p *pending, w want, path string) error {
	if w.tree {
		return copyTree(path, filepath.Join(p.dir, OutputsDir))
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	if w.unzip {
		info, err := file.Stat()
		if err != nil {
			return err
		}
		return unzip(file, info.Size(), filepath.Join(p.dir, OutputsDir))
	}
	out, err := os.Create(filepath.Join(p.dir, w.file))
	if err != nil {
		return err
	}
	defer out.Close()
	if _, err := io.Copy(out, file); err != nil {
		return err
	}
	return out.Close()
}

// countingReaderAt counts what is read.
type countingReaderAt struct {
	r io.ReaderAt
	n *atomic.Int64
}

// ReadAt implements io.ReaderAt.
func (c *countingReaderAt) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.r.ReadAt(p, off)
	c.n.Add(int64(n))
	return n, err
}

// budget is an amount that is given out in the order of asking.
type budget struct {
	max  int64
	mu   sync.Mutex
	used int64
	free chan struct{} // closed and replaced when something is given back
}

func newBudget(max int64) *budget { return &budget{max: max, free: make(chan struct{})} }

// acquire takes *n, or all there is if *n is more than that, in which case it
// sets *n to what it took. It reports false if ctx ended first.
func (b *budget) acquire(ctx context.Context, n *int64) bool {
	*n = min(*n, b.max)
	for {
		b.mu.Lock()
		if b.used+*n <= b.max {
			b.used += *n
			b.mu.Unlock()
			return true
		}
		free := b.free
		b.mu.Unlock()
		select {
		case <-free:
		case <-ctx.Done():
			return false
		}
	}
}

// release gives n back.
func (b *budget) release(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used -= n
	close(b.free)
	b.free = make(chan struct{})
}
