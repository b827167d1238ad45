package intake

import (
	"context"
	"errors"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/covwrap/covwrap/tools/covwrap/internal/bep"
	"github.com/covwrap/covwrap/tools/covwrap/internal/fetch"
	"github.com/covwrap/covwrap/tools/covwrap/internal/merger"
)

// events sorts in what a build event file names: the tests' tracefiles, or
// their profiles where Go's blocks are wanted. What is not on this machine is
// fetched from the remote cache.
func (s *sorter) events(path string) error {
	build, err := bep.ReadFile(path)
	if err != nil && !errors.Is(err, bep.ErrTruncated) {
		return err
	}
	switch {
	case err != nil:
		s.log.Addf("events-truncated", path, "%v; the tests named before were used", err)
	case !build.Complete:
		s.log.Addf("events-truncated", path, "the last event is missing, as if the build had been interrupted or still ran; the tests named so far were used")
	}
	want := bep.TestCoverage
	if s.opt.Blocks {
		want = bep.OutputsZip
	}
	remote := *build
	remote.Tests = nil
	for i := range build.Tests {
		test := &build.Tests[i]
		if f := test.Output(want); f != nil {
			if local, ok := localPath(f.URI); ok {
				if err := s.named(local); err != nil {
					s.log.Addf("unreadable", local, "%v; it was left out", err)
				}
				continue
			}
		}
		remote.Tests = append(remote.Tests, *test)
	}
	if len(remote.Tests) == 0 {
		return nil
	}
	return s.remote(path, &remote)
}

// named sorts in a file of a test.
func (s *sorter) named(path string) error {
	kind, err := sniff(path)
	if err != nil {
		return err
	}
	return s.file(path, kind)
}

// remote sorts in what lies in a remote cache. Tracefiles are merged and
// removed as they come, so that it does not matter whether all of them
// together fit on this machine's disk. path is of the build event file.
func (s *sorter) remote(path string, build *bep.Build) error {
	dir, err := s.c.tempDir()
	if err != nil {
		return err
	}
	// What was fetched so far must not stay behind when a person has enough.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	opt := s.opt.Fetch
	opt.Dir, opt.Coverage, opt.Profiles, opt.Log = dir, !s.opt.Blocks, s.opt.Blocks, false
	return fetch.Each(ctx, build, opt, func(a fetch.Attempt) error {
		if a.Err != nil {
			s.log.Addf("remote-output", path, "%v; to have it here, build with --remote_download_outputs=all, or --remote_download_regex=.*/(coverage.dat|test.outputs/.*)", a.Err)
		}
		if s.opt.Blocks {
			return s.keep(a.Dir)
		}
		tracefile := filepath.Join(a.Dir, fetch.CoverageFile)
		if info, err := os.Stat(tracefile); err != nil || info.Size() == 0 {
			return nil // a test that failed leaves an empty one
		}
		n := merger.Merge([]merger.Input{{Path: tracefile}}, s.c.Set, s.log, s.opt.Merge)
		s.c.Stats.All, s.c.Stats.Files, s.c.Stats.Bytes = s.c.Stats.All+n.All, s.c.Stats.Files+n.Files, s.c.Stats.Bytes+n.Bytes
		return nil
	})
}

// keep takes the profiles that were fetched for one test, which are read when
// those of all are known.
func (s *sorter) keep(dir string) error {
	fetched := filepath.Join(dir, fetch.OutputsDir, "covwrap", "profiles")
	if _, err := os.Stat(fetched); err != nil {
		return nil // nothing of the test was covered, or it was named in the log
	}
	kept, err := s.c.tempDir()
	if err != nil {
		return err
	}
	kept = filepath.Join(kept, "profiles")
	if err := os.Rename(fetched, kept); err != nil {
		return err
	}
	s.addGoDir(kept)
	return nil
}

// localPath is the path in a file:// URI.
func localPath(uri string) (string, bool) {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "file" {
		return "", false
	}
	path := filepath.FromSlash(u.Path)
	if _, err := os.Stat(path); err != nil {
		return "", false
	}
	return path, true
}
