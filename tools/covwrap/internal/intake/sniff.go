package intake

import (
	"bytes"
	"errors"
	"io"
	"os"

	"github.com/covwrap/covwrap/tools/covwrap/internal/bep"
)

// kind is what a file is.
type kind int

const (
	kindUnknown kind = iota
	kindEmpty
	kindTracefile
	kindGcov
	kindGcovJSON
	kindGoText
	kindGoBinary // a meta-data file, a counter file or a counter map
	kindEvents   // a build event file
	kindZip      // undeclared outputs
	kindTar      // profiles in an archive
)

// sniffBytes is how much of a file decides: a block of tar, which has its mark at
// ustarAt.
const (
	sniffBytes = 512
	ustarAt    = 257
)

// sniff says what the file at path is.
func sniff(path string) (kind, error) {
	f, err := os.Open(path)
	if err != nil {
		return kindUnknown, err
	}
	defer f.Close()
	head := make([]byte, sniffBytes)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && err != io.EOF {
		return kindUnknown, err
	}
	return sniffBytesOf(head[:n]), nil
}

// sniffBytesOf says what a file is that begins with head.
func sniffBytesOf(head []byte) kind {
	switch {
	case len(bytes.TrimSpace(head)) == 0 && bytes.IndexByte(head, 0) < 0:
		return kindEmpty
	case hasPrefix(head, "mode: "):
		return kindGoText
	case hasPrefix(head, "\x00\x63\x76\x6d"), hasPrefix(head, "\x00\x63\x77\x6d"):
		return kindGoBinary
	case hasPrefix(head, "\x1f\x8b"):
		return kindGcovJSON
	case hasPrefix(head, "PK\x03\x04"), hasPrefix(head, "PK\x05\x06"):
		return kindZip
	case len(head) > ustarAt && hasPrefix(head[ustarAt:], "ustar"):
		return kindTar
	case hasPrefix(head, "version:"), hasPrefix(head, "file:"):
		return kindGcov
	case tracefileHead(head):
		return kindTracefile
	case gcovJSONHead(head):
		return kindGcovJSON
	case bep.Sniff(head):
		return kindEvents
	}
	return kindUnknown
}

// gcovJSONHead tells whether a JSON file is gcov's: the order of its keys is not
// fixed, but a build event begins with its id.
func gcovJSONHead(head []byte) bool {
	return head[0] == '{' && !hasPrefix(head, `{"id":`) &&
		(bytes.Contains(head, []byte(`"format_version"`)) || bytes.Contains(head, []byte(`"gcc_version"`)) || bytes.Contains(head, []byte(`"files"`)))
}

// tracefileHead tells whether a line of a tracefile comes first, after any
// comments and empty lines.
func tracefileHead(head []byte) bool {
	for _, line := range bytes.Split(head, []byte{'\n'}) {
		line = bytes.TrimSpace(line)
		switch {
		case len(line) == 0 || line[0] == '#':
			continue
		case hasPrefix(line, "TN:"), hasPrefix(line, "SF:"):
			return true
		}
		return false
	}
	return hasPrefix(head, "#covwrap")
}

func hasPrefix(b []byte, prefix string) bool { return bytes.HasPrefix(b, []byte(prefix)) }
