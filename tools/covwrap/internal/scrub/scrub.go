// Package scrub takes the machine out of texts: a ledger must not name a
// sandbox, a worker or an output base, whose names differ from run to run and
// lead nowhere afterwards.
package scrub

import (
	"os"
	"path"
	"sort"
	"strings"
)

// Scrubber replaces folders by what stands for them.
type Scrubber struct {
	pairs     []pair
	runfiles  string // TEST_SRCDIR
	workspace string // TEST_WORKSPACE
}

type pair struct{ from, to string }

// New returns a scrubber for the folders that Bazel gives to a test by these
// environment variables, which it writes as "$NAME". get looks up a variable.
func New(get func(string) string, names ...string) *Scrubber {
	s := &Scrubber{runfiles: get("TEST_SRCDIR"), workspace: get("TEST_WORKSPACE")}
	for _, n := range names {
		// A worker whose root is "/" has "//bazel-out/...": shell scripts use it
		// as it is, while what is made of it elsewhere has one slash.
		if v := get(n); path.IsAbs(v) && path.Clean(v) != "/" {
			s.Add(path.Clean(v), "$"+n)
			s.Add(strings.TrimRight(v, "/"), "$"+n)
		}
	}
	return s
}

// Add adds a folder.
func (s *Scrubber) Add(folder, stands string) {
	s.pairs = append(s.pairs, pair{folder, stands})
	// The innermost folder wins.
	sort.SliceStable(s.pairs, func(i, j int) bool { return len(s.pairs[i].from) > len(s.pairs[j].from) })
}

// String returns a text in which folders are replaced, wherever in the text a
// path begins, and paths inside an execution root begin there.
func (s *Scrubber) String(text string) string {
	if s == nil {
		return text
	}
	for _, p := range s.pairs {
		text = replace(text, p.from, p.to)
	}
	text = cut(text, "/bazel-out/", "bazel-out/")
	return text
}

// Executable returns the path of an executable as the kernel tells it, that is
// without symbolic links, so that it is the same wherever the test ran: on a
// local machine runfiles are links to bazel-out, on a remote worker files.
// Other texts become what String makes of them.
func (s *Scrubber) Executable(file string) string {
	file = s.String(file)
	if s == nil || s.runfiles == "" {
		return file
	}
	// bazel-out/CONFIGURATION/bin/PATH, or .../bin/external/REPOSITORY/PATH
	parts := strings.SplitN(file, "/", 4)
	if len(parts) < 4 || parts[0] != "bazel-out" || parts[2] != "bin" {
		return file
	}
	name := s.workspace + "/" + parts[3]
	if rest, ok := strings.CutPrefix(parts[3], "external/"); ok {
		name = rest
	}
	if _, err := os.Lstat(s.runfiles + "/" + name); err != nil {
		return file // it is no runfile: nowhere else does it have another name
	}
	return "$TEST_SRCDIR/" + name
}

// Strings scrubs each word of a command line, in a copy. A process that starts
// itself again takes the name of its executable from the kernel.
func (s *Scrubber) Strings(texts []string) []string {
	if s == nil || texts == nil {
		return texts
	}
	out := make([]string, len(texts))
	for i, t := range texts {
		out[i] = s.Executable(t)
	}
	return out
}

// replace replaces a folder where it stands as a whole: /tmp, but not in
// /tmpfile or /var/tmp.
func replace(text, from, to string) string {
	var out strings.Builder
	for {
		i := strings.Index(text, from)
		if i < 0 {
			return out.String() + text
		}
		end := i + len(from)
		if (i > 0 && inPath(text[i-1])) || (end < len(text) && inPath(text[end]) && text[end] != '/') {
			out.WriteString(text[:end])
		} else {
			out.WriteString(text[:i])
			out.WriteString(to)
		}
		text = text[end:]
	}
}

// cut removes from paths all that stands before mark, which becomes to.
func cut(text, mark, to string) string {
	var out strings.Builder
	for {
		i := strings.Index(text, mark)
		if i < 0 {
			return out.String() + text
		}
		start := i
		for start > 0 && inPath(text[start-1]) {
			start--
		}
		if start < len(text) && text[start] != '/' {
			out.WriteString(text[:i+len(mark)]) // relative, or after "$NAME"
		} else {
			out.WriteString(text[:start])
			out.WriteString(to)
		}
		text = text[i+len(mark):]
	}
}

// inPath reports whether a byte goes on a path in a text or a command line.
func inPath(c byte) bool {
	return c > ' ' && !strings.ContainsRune("=:,;'\"()[]{}<>|&", rune(c))
}
