// Package credhelper gets the headers that authorise a request from the
// program that the user already gave Bazel with --credential_helper.
//
// The protocol is https://github.com/EngFlow/credential-helper-spec: the
// helper is run as "HELPER get" with {"uri": "..."} on standard input and
// answers {"headers": {"Name": ["value"]}, "expires": "RFC 3339"} on standard
// output. Which helper serves which host, the working directory and the
// time-out follow Bazel's implementation.
package credhelper

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

const (
	// timeout is Bazel's default for --credential_helper_timeout.
	timeout = 10 * time.Second
	// cacheFor is Bazel's default for --credential_helper_cache_duration: how
	// long an answer that does not say when it expires is used.
	cacheFor = 30 * time.Minute
	// maxAnswer bounds what a helper may print; real answers are below 10 KB.
	maxAnswer = 1 << 20
)

// Set is the helpers that the user named.
type Set struct {
	workspace string
	fallback  string            // helper for every host
	exact     map[string]string // host: helper
	wildcard  map[string]string // domain: helper, for it and all below it
	now       func() time.Time
	timeout   time.Duration

	mu     sync.Mutex
	cached map[string]answer // by URI
}

// answer is what a helper said.
type answer struct {
	headers map[string][]string
	until   time.Time
}

// New parses values of --credential_helper: "PATH", "HOST=PATH" or
// "*.DOMAIN=PATH". In a PATH, %workspace% stands for the workspace folder,
// and a name without a slash is looked up on PATH. Later values win.
func New(specs []string, workspace string) (*Set, error) {
	s := &Set{workspace: workspace, exact: map[string]string{}, wildcard: map[string]string{},
		now: time.Now, timeout: timeout, cached: map[string]answer{}}
	for _, spec := range specs {
		scope, path, scoped := strings.Cut(spec, "=")
		if !scoped {
			scope, path = "", spec
		}
		path, err := s.resolve(path)
		if err != nil {
			return nil, fmt.Errorf("--credential_helper=%s: %w", spec, err)
		}
		domain, isWildcard := strings.CutPrefix(scope, "*.")
		switch {
		case !scoped:
			s.fallback = path
		case domain == "" || strings.ContainsAny(domain, "*/:"):
			return nil, fmt.Errorf("--credential_helper=%s: %q is neither a host nor *.DOMAIN", spec, scope)
		case isWildcard:
			s.wildcard[strings.ToLower(domain)] = path
		default:
			s.exact[strings.ToLower(scope)] = path
		}
	}
	return s, nil
}

// resolve makes a helper's path one that can be run from any folder.
func (s *Set) resolve(path string) (string, error) {
	if rest, ok := strings.CutPrefix(path, "%workspace%"); ok {
		if s.workspace == "" {
			return "", errors.New("%workspace% is not known here: give the path itself")
		}
		return s.workspace + rest, nil
	}
	if path == "" {
		return "", errors.New("the path of the helper is empty")
	}
	if !strings.ContainsRune(filepath.ToSlash(path), '/') {
		return exec.LookPath(path)
	}
	return filepath.Abs(path)
}

// Empty reports whether no helper was named.
func (s *Set) Empty() bool {
	return s == nil || s.fallback == "" && len(s.exact) == 0 && len(s.wildcard) == 0
}

// find returns the helper for a host: the one for exactly it, else the one
// for the closest domain above, else the one for all, else "".
func (s *Set) find(host string) string {
	host = strings.ToLower(host)
	if h, ok := s.exact[host]; ok {
		return h
	}
	for domain := host; domain != ""; {
		if h, ok := s.wildcard[domain]; ok {
			return h
		}
		_, domain, _ = strings.Cut(domain, ".")
	}
	return s.fallback
}

// Headers returns the headers for a request to uri, none if no helper serves
// its host. Answers are kept until they expire. Safe for concurrent use: of
// several callers one runs the helper, which may ask a person to log in.
func (s *Set) Headers(ctx context.Context, uri string) (map[string][]string, error) {
	if s.Empty() {
		return nil, nil
	}
	u, err := url.Parse(uri)
	if err != nil {
		return nil, err
	}
	helper := s.find(u.Hostname())
	if helper == "" {
		return nil, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if a, ok := s.cached[uri]; ok && s.now().Before(a.until) {
		return a.headers, nil
	}
	a, err := s.ask(ctx, helper, uri)
	if err != nil {
		return nil, fmt.Errorf("credential helper %q for %s: %w", helper, uri, err)
	}
	s.cached[uri] = a
	return a.headers, nil
}

// ask runs the helper once.
func (s *Set) ask(ctx context.Context, helper, uri string) (answer, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, s.timeout, fmt.Errorf("no answer within %v", s.timeout))
	defer cancel()
	request, err := json.Marshal(map[string]string{"uri": uri})
	if err != nil {
		return answer{}, err
	}
	cmd := exec.CommandContext(ctx, helper, "get")
	// A helper that leaves a child behind with our pipe must not hold us.
	cmd.WaitDelay = time.Second
	cmd.Dir = s.workspace
	cmd.Stdin = bytes.NewReader(request)
	var out, errs limited
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return answer{}, context.Cause(ctx)
		}
		return answer{}, fmt.Errorf("%w%s", err, said(&errs))
	}
	var reply struct {
		Headers map[string][]string `json:"headers"`
		Expires *time.Time          `json:"expires"`
	}
	if out.Len() > maxAnswer {
		return answer{}, fmt.Errorf("its answer is longer than %d bytes", maxAnswer)
	}
	if err := json.Unmarshal(out.Bytes(), &reply); err != nil {
		return answer{}, fmt.Errorf("its answer is not what the protocol wants: %w%s", err, said(&errs))
	}
	a := answer{headers: reply.Headers, until: s.now().Add(cacheFor)}
	if reply.Expires != nil {
		a.until = *reply.Expires
	}
	return a, nil
}

// said renders what a helper wrote to standard error, if anything; never its
// standard output, which holds secrets.
func said(errs *limited) string {
	text := strings.TrimSpace(errs.String())
	if text == "" {
		return ""
	}
	return "; it said: " + text
}

// limited keeps the first bytes of what is written to it, one more than
// maxAnswer so that the excess can be seen.
type limited struct{ bytes.Buffer }

// Write implements io.Writer.
func (l *limited) Write(p []byte) (int, error) {
	if room := maxAnswer + 1 - l.Len(); room > 0 {
		l.Buffer.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}
