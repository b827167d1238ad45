// Package store keeps short links in a log file that survives a crash.
//
// The log has one line a link: the code, a space and the URL. Lines are only
// appended, so whatever kills the program can tear at most the last one.
package store

import (
	"bufio"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"sort"
	"strings"
	"sync"
)

// shortest is the length of a code when no other link begins with the same.
const shortest = 6

// Store is a set of links. Its methods may be called from several goroutines.
type Store struct {
	path string

	mu    sync.Mutex
	links map[string]string // code to URL
	log   *os.File
}

// Open reads the log at path, or begins a new one.
func Open(path string) (*Store, error) {
	s := &Store{path: path, links: map[string]string{}}
	whole, err := s.load()
	if err != nil {
		return nil, err
	}
	s.log, err = os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	// What follows the last whole line was torn by a crash, and nobody was told that it is stored.
	if err := s.log.Truncate(whole); err != nil {
		return nil, errors.Join(err, s.log.Close())
	}
	if _, err := s.log.Seek(whole, 0); err != nil {
		return nil, errors.Join(err, s.log.Close())
	}
	return s, nil
}

// load reads the log into s.links and returns the length of its whole lines.
func (s *Store) load() (whole int64, err error) {
	data, err := os.ReadFile(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	number := 0
	for line := range strings.Lines(string(data)) {
		if !strings.HasSuffix(line, "\n") {
			break
		}
		number++
		code, target, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if !ok {
			return 0, fmt.Errorf("%s:%d: %q is not a code, a space and a URL; mend or delete the line", s.path, number, line)
		}
		s.links[code] = target
		whole += int64(len(line))
	}
	return whole, nil
}

// Add stores a link and returns its code. A URL that is there already keeps its
// code.
func (s *Store) Add(target string) (code string, err error) {
	u, err := url.Parse(target)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return "", fmt.Errorf("%q is not an http or https URL", target)
	}
	sum := sha256.Sum256([]byte(target))
	digest := base64.RawURLEncoding.EncodeToString(sum[:])

	s.mu.Lock()
	defer s.mu.Unlock()
	for length := shortest; length <= len(digest); length++ {
		code = digest[:length]
		known, taken := s.links[code]
		if taken && known != target {
			continue
		}
		if !taken {
			if _, err := fmt.Fprintf(s.log, "%s %s\n", code, target); err != nil {
				return "", err
			}
			s.links[code] = target
		}
		return code, nil
	}
	return "", fmt.Errorf("no code is left for %q", target)
}

// Get returns the URL of a code.
func (s *Store) Get(code string) (target string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	target, ok = s.links[code]
	return target, ok
}

// Codes returns all codes in order.
func (s *Store) Codes() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	codes := make([]string, 0, len(s.links))
	for code := range s.links {
		codes = append(codes, code)
	}
	sort.Strings(codes)
	return codes
}

// Close writes the log anew, in order, and closes the store.
func (s *Store) Close() error {
	codes := s.Codes()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.log.Close(); err != nil {
		return err
	}
	sorted, err := os.Create(s.path + ".new")
	if err != nil {
		return err
	}
	w := bufio.NewWriter(sorted)
	for _, code := range codes {
		fmt.Fprintf(w, "%s %s\n", code, s.links[code])
	}
	if err := errors.Join(w.Flush(), sorted.Close()); err != nil {
		return err
	}
	return os.Rename(sorted.Name(), s.path)
}
