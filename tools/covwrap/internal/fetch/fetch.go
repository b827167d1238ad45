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
	// Name is a path for it that no other attempt in the build has: package,
	// target, and shard, run and attempt if there are several.
	Name string
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
		err := fn(Attempt{Test: p.test, Name: p.name, Dir: p.dir, Err: errors.Join(p.errs...)})
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
	name string // of its folder
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

// names returns a path for every attempt, as in bazel-testlogs: the target's
// package and name, and below it what tells the attempt from others of the
// same target.
func names(tests []bep.TestResult) []string {
	type target struct{ runs, shards, attempts, configs map[string]bool }
	targets := map[string]*target{}
	for i := range tests {
		t := &tests[i]
		g := targets[t.Label]
		if g == nil {
			g = &target{map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}}
			targets[t.Label] = g
		}
		g.runs[fmt.Sprint(t.Run)] = true
		g.shards[fmt.Sprint(t.Shard)] = true
		g.attempts[fmt.Sprint(t.Attempt)] = true
		g.configs[t.Configuration] = true
	}
	out := make([]string, len(tests))
	seen := map[string]int{}
	for i := range tests {
		t := &tests[i]
		g := targets[t.Label]
		label := strings.NewReplacer("//", "/", ":", "/", "@", "").Replace(t.Label)
		parts := slices.DeleteFunc(strings.FieldsFunc(label, func(r rune) bool { return r == '/' || r == '\\' || r == 0 }),
			func(s string) bool { return s == "." || s == ".." })
		var which []string
		for _, p := range []struct {
			among map[string]bool
			text  string
		}{
			{g.configs, "config_" + t.Configuration[:min(8, len(t.Configuration))]},
			{g.shards, fmt.Sprintf("shard_%d", t.Shard)},
			{g.runs, fmt.Sprintf("run_%d", t.Run)},
			{g.attempts, fmt.Sprintf("attempt_%d", t.Attempt)},
		} {
			if len(p.among) > 1 {
				which = append(which, p.text)
			}
		}
		if len(which) > 0 {
			parts = append(parts, strings.NewReplacer("/", "_", "\\", "_", "\x00", "_").Replace(strings.Join(which, "_")))
		}
		name := filepath.Join(parts...)
		seen[name]++
		if n := seen[name]; n > 1 {
			name = filepath.Join(name, fmt.Sprintf("again_%d", n)) // several builds in one file
		}
		out[i] = name
	}
	return out
}
