// Package bep reads the build event files that Bazel writes with
// --build_event_binary_file and --build_event_json_file, and keeps what a
// coverage tool wants to know: which tests ran, how each attempt ended, and
// where its outputs lie.
//
// The format is Bazel's build event protocol, in its source at
// src/main/java/com/google/devtools/build/lib/buildeventstream/proto/build_event_stream.proto.
// Nobody publishes it as a Go module, so the few fields that are needed are
// decoded here from the wire; each number stands beside its name in binary.go.
package bep

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// ErrTruncated is wrapped by the error of a file that ends in the middle of
// an event, as that of a build does whose Bazel was killed. What was read up
// to there is returned with it.
var ErrTruncated = errors.New("the file ends in the middle of an event")

// Names of a test's outputs ([File.Name]), from Bazel's TestFileNameConstants.
const (
	TestLog      = "test.log"
	TestXML      = "test.xml"
	TestCoverage = "test.lcov"                 // the test's tracefile, coverage.dat on disk
	OutputsZip   = "test.outputs__outputs.zip" // undeclared outputs, zipped
	OutputsDir   = "test.outputs"              // undeclared outputs with --nozip_undeclared_test_outputs
)

// Build is what one build event file tells.
type Build struct {
	Command     string       // "test", "coverage", ...
	ToolVersion string       // Bazel's version
	Workspace   string       // absolute path of the workspace on the machine that built
	Options     []string     // effective command-line options, "--name=value"
	Tests       []TestResult // in the order of the file
	Complete    bool         // the stream has its last event: nothing is missing
	ExitCode    int          // of Bazel; valid when Complete
}

// Option returns the value of the last --name=value among the build's
// options, and whether there is one.
func (b *Build) Option(name string) (string, bool) {
	prefix := "--" + name + "="
	for i := len(b.Options) - 1; i >= 0; i-- {
		if v, ok := strings.CutPrefix(b.Options[i], prefix); ok {
			return v, true
		}
	}
	return "", false
}

// TestResult is one attempt of one shard of one run of a test.
type TestResult struct {
	Label          string // "//pkg:name"
	Configuration  string // opaque id; differs between configurations of the same target
	Run            int    // 1-based, --runs_per_test
	Shard          int    // 1-based
	Attempt        int    // 1-based, flaky tests
	Status         Status
	StatusDetails  string // for people; may be empty
	CachedLocally  bool   // not run in this build: Bazel had the result
	CachedRemotely bool   // not run in this build: the remote cache had the result
	Strategy       string // "remote", "linux-sandbox", ...; empty when cached locally
	Host           string // where it ran, if known
	ExitCode       int    // of the test action, 0 if unknown
	Start          time.Time
	Duration       time.Duration
	Outputs        []File
}

// Output returns the output with that name, or nil.
func (t *TestResult) Output(name string) *File {
	for i := range t.Outputs {
		if t.Outputs[i].Name == name {
			return &t.Outputs[i]
		}
	}
	return nil
}

// String names the attempt as a person would: the label, and whatever of run,
// shard and attempt is not the first.
func (t *TestResult) String() string {
	s := t.Label
	for _, p := range []struct {
		name string
		n    int
	}{{"shard", t.Shard}, {"run", t.Run}, {"attempt", t.Attempt}} {
		if p.n > 1 {
			s += fmt.Sprintf(" (%s %d)", p.name, p.n)
		}
	}
	return s
}

// File is one output. Exactly one of URI and Contents says what is in it;
// neither does when Bazel had not uploaded it.
type File struct {
	Name     string // one of the constants above, or a name that Bazel added later
	URI      string // "file:///..." or "bytestream://HOST/INSTANCE/blobs/HASH/SIZE"
	Contents []byte
	Length   int64 // 0 if unknown
}

// Status is how an attempt, or a test over all its attempts, ended.
type Status int

// The numbers are those of the protocol's enum TestStatus.
const (
	NoStatus Status = iota
	Passed
	Flaky
	Timeout
	Failed
	Incomplete
	RemoteFailure
	FailedToBuild
	ToolHalted
)

var statusNames = [...]string{"NO_STATUS", "PASSED", "FLAKY", "TIMEOUT", "FAILED", "INCOMPLETE",
	"REMOTE_FAILURE", "FAILED_TO_BUILD", "TOOL_HALTED_BEFORE_TESTING"}

// String returns the protocol's name of the status.
func (s Status) String() string {
	if s < 0 || int(s) >= len(statusNames) {
		return fmt.Sprintf("STATUS_%d", int(s))
	}
	return statusNames[s]
}

// ReadFile reads the build event file at path, binary or JSON. Errors name
// the file, what is wrong and what to do; with [ErrTruncated] the events
// before the break are returned too.
func ReadFile(path string) (*Build, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("build event file: %w", err)
	}
	defer f.Close()
	b, err := Read(f)
	if err != nil {
		return b, fmt.Errorf("build event file %q: %w", path, err)
	}
	return b, nil
}

// Read reads a stream of build events, binary or JSON, whichever it is.
func Read(r io.Reader) (*Build, error) {
	br := bufio.NewReaderSize(r, 64<<10)
	head, err := br.Peek(sniffLen)
	if err != nil && err != io.EOF {
		return nil, err
	}
	if len(head) == 0 {
		return nil, errors.New("the file is empty: did the build start? (Bazel writes it as it goes)")
	}
	b := new(Build)
	if looksJSON(head) {
		return b, readJSON(br, b)
	}
	if !looksBinary(head) {
		return nil, errors.New("neither --build_event_binary_file nor --build_event_json_file wrote this")
	}
	return b, readBinary(br, b)
}

// sniffLen is how much of a file [Sniff] wants to see.
const sniffLen = 64

// Sniff reports whether a file that begins with head (64 bytes are enough) is
// a build event file.
func Sniff(head []byte) bool {
	return looksJSON(head) || looksBinary(head)
}

// looksJSON: an object whose first key begins with a letter. The second test
// matters: '{' is also the length of a first binary event of 123 bytes, '\n'
// the tag of the id in it and '"' the length of an id of 34 bytes, but what
// follows is a tag again, which for any first event is below 'A'.
func looksJSON(head []byte) bool {
	rest, ok := strings.CutPrefix(string(head), "{")
	if !ok {
		return false
	}
	rest, ok = strings.CutPrefix(strings.TrimLeft(rest, " \t\r\n"), `"`)
	return ok && rest != "" && (rest[0]|0x20 >= 'a' && rest[0]|0x20 <= 'z')
}
