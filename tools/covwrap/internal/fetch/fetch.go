// Package fetch brings the outputs of a build's tests together: from the
// files that Bazel left on this machine, or from the remote cache where it
// left them there. Each attempt of a test becomes a folder as in
// bazel-testlogs, for as long as it is looked at.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/covwrap/covwrap/tools/covwrap/internal/bep"
	"github.com/covwrap/covwrap/tools/covwrap/internal/cas"
)

// Names of what is in an attempt's folder, as in bazel-testlogs.
const (
	CoverageFile = "coverage.dat"
	LogFile      = "test.log"
	OutputsDir   = "test.outputs" // with the members of the undeclared outputs that lie below covwrap/
)

// Options say what to bring, and how.
type Options struct {
	// Coverage: the tracefiles. Profiles: what the launcher put into the
	// undeclared outputs, and nothing else of them. Log: what the test said.
	Coverage, Profiles, Log bool
	// Remote is how to reach the remote cache.
	Remote cas.Options
	// Jobs is how many attempts are fetched at once; 0: 16.
	Jobs int
	// MaxDisk bounds what lies in Dir at one time, in bytes as they are in the
	// remote cache, unless a single attempt has more; 0: 1 GB.
	MaxDisk int64
	// Dir is where the folders are made; "": the system's temporary folder.
	Dir string
	// Progress, unless nil, is told after each attempt how many of how many
	// are done and how many bytes came from the remote cache. Calls do not
	// overlap.
	Progress func(done, total int, bytes int64)
}

// Attempt is one attempt of a test, with what could be had of it.
type Attempt struct {
	Test *bep.TestResult
	// Dir is its folder; it is removed when the function that got it returns.
	Dir string
	// Err joins what went wrong: outputs that Bazel names and that could not
	// be had. Outputs that Bazel does not name are no error.
	Err error
}

// Each calls fn for every attempt in b, in the order of the build events, not
// concurrently. It stops at the first error of fn, or when ctx ends, and
// returns it. Attempts are fetched ahead of fn, in parallel.
func Each(ctx context.Context, b *bep.Build, opts Options, fn func(Attempt) error) error {
	f, err := newFetcher(b, opts)
	if err != nil {
		return err
	}
	defer f.close()
	ctx, cancel := context.WithCancel(ctx)
	// Fetches that fn will not see any more must end before their folder goes.
	defer f.running.Wait()
	defer cancel()
	ready := f.startAll(ctx)
	for i := range b.Tests {
		var p *pending
		select {
		case p = <-ready:
		case <-ctx.Done():
			return ctx.Err()
		}
		select {
		case <-p.done:
		case <-ctx.Done():
			return ctx.Err()
		}
		err := fn(Attempt{Test: p.test, Dir: p.dir, Err: errors.Join(p.errs...)})
		if err == nil {
			err = os.RemoveAll(p.dir)
		}
		if err != nil {
			return err
		}
		f.disk.release(p.cost)
		if opts.Progress != nil {
			opts.Progress(i+1, len(b.Tests), f.received.Load())
		}
	}
	return nil
}

// RemoteOptions returns opts with what the build itself tells filled in: where
// its remote cache is. Headers, helpers and certificates are not taken from a
// build event file: it may come from elsewhere, and would have our secrets
// sent, or a program started, at its author's wish.
func RemoteOptions(b *bep.Build, opts cas.Options) cas.Options {
	if opts.RemoteCache != "" {
		return opts
	}
	for _, name := range []string{"remote_cache", "remote_executor"} {
		value, ok := b.Option(name)
		// What the URIs lack is only that there is no TLS.
		if host, plain := strings.CutPrefix(value, "grpc://"); ok && plain {
			opts.PlainHosts = append(opts.PlainHosts, strings.TrimSuffix(host, "/"))
		}
	}
	return opts
}

// pending is an attempt that is being fetched.
type pending struct {
	test *bep.TestResult
	dir  string
	cost int64 // of disk

	mu   sync.Mutex
	errs []error
	done chan struct{}
}

// failed adds an error.
func (p *pending) failed(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.errs = append(p.errs, fmt.Errorf("%s: %w", p.test, err))
}

// wanted returns the outputs of t that the options ask for, as pairs of an
// output and what to do with it.
func (o *Options) wanted(t *bep.TestResult) []want {
	var out []want
	for _, w := range []struct {
		ask  bool
		want want
	}{
		{o.Coverage, want{name: bep.TestCoverage, file: CoverageFile}},
		{o.Log, want{name: bep.TestLog, file: LogFile}},
		{o.Profiles, want{name: bep.OutputsZip, unzip: true}},
		{o.Profiles, want{name: bep.OutputsDir, tree: true}},
	} {
		if f := t.Output(w.want.name); w.ask && f != nil && (f.URI != "" || f.Contents != nil) {
			w.want.output = f
			out = append(out, w.want)
		}
	}
	return out
}

// want is one output to bring.
type want struct {
	name   string // Bazel's
	file   string // ours
	unzip  bool   // an archive: its members below covwrap/
	tree   bool   // a folder: its files below covwrap/
	output *bep.File
}

// localPath returns the path that a file:// URI names.
func localPath(uri string) (string, error) {
	u, err := url.Parse(uri)
	if err != nil {
		return "", err
	}
	if u.Scheme != "file" || u.Host != "" && u.Host != "localhost" {
		return "", fmt.Errorf("%q is neither a local file nor in a remote cache", uri)
	}
	return filepath.FromSlash(u.Path), nil
}

// isRemote reports whether a URI is a remote cache's.
func isRemote(uri string) bool { return strings.HasPrefix(uri, "bytestream://") }

// attemptDir is the name of an attempt's folder below bazel-testlogs, made
// unique for attempts and configurations, which share one there.
func attemptDir(i int, t *bep.TestResult) string {
	label := strings.NewReplacer("//", "/", ":", "/", "@", "").Replace(t.Label)
	parts := slices.DeleteFunc(strings.Split(label, "/"), func(s string) bool { return s == "" || s == "." || s == ".." })
	return filepath.Join(append([]string{fmt.Sprintf("%06d", i)}, parts...)...)
}
