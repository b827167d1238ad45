package gcov

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/covwrap/covwrap/tools/covwrap/internal/cover"
	"github.com/covwrap/covwrap/tools/covwrap/internal/trouble"
)

// The JSON format (man gcov, "--json-format"), of which only what a tracefile
// can hold is read. gcov leaves counts that it could not compute negative.
type (
	jsonFile struct {
		File      string         `json:"file"`
		Functions []jsonFunction `json:"functions"`
		Lines     []jsonLine     `json:"lines"`
	}
	jsonFunction struct {
		Name  string `json:"name"`
		Line  int64  `json:"start_line"`
		Count count  `json:"execution_count"`
	}
	jsonLine struct {
		Line     int64        `json:"line_number"`
		Count    count        `json:"count"`
		Branches []jsonBranch `json:"branches"`
	}
	jsonBranch struct {
		Count count `json:"count"`
	}
)

// count is a number that may be negative or too large for int64 without
// spoiling the file that it stands in.
type count int64

// UnmarshalJSON takes numbers only; null is zero.
func (c *count) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	n, ok := number(b)
	if !ok {
		var f float64
		if err := json.Unmarshal(b, &f); err != nil {
			return fmt.Errorf("%q is not a number", shorten(b))
		}
		n = int64(min(max(f, 0), 1<<62))
	}
	*c = count(n)
	return nil
}

// ParseJSON adds a JSON report, gzipped or not. It is read one source file at
// a time, and the source files before a fault are added.
func ParseJSON(r io.Reader, path string, set *cover.Set, log *trouble.Log) error {
	br := bufio.NewReaderSize(r, 64<<10)
	if magic, _ := br.Peek(2); string(magic) == "\x1f\x8b" {
		zr, err := gzip.NewReader(br)
		if err != nil {
			log.Addf("bad-json", path, "cannot be unpacked: %v", err)
			return nil
		}
		defer zr.Close()
		br = bufio.NewReaderSize(zr, 64<<10)
	}
	// gcov writes one document per file, and concatenations of them occur.
	dec := json.NewDecoder(br)
	for documents := 0; ; documents++ {
		err := parseDocument(dec, path, set, log)
		if err == io.EOF && documents > 0 {
			return nil
		}
		if err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			log.Addf("bad-json", path, "expected gcov's JSON; at byte %d of it: %v; what stood before was used", dec.InputOffset(), err)
			return nil
		}
	}
}

// parseDocument reads one top-level object. io.EOF means that there is none.
func parseDocument(dec *json.Decoder, path string, set *cover.Set, log *trouble.Log) error {
	if err := expect(dec, '{'); err != nil {
		return err
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return unexpected(err)
		}
		switch key {
		case "files":
			if err := parseFiles(dec, set); err != nil {
				return unexpected(err)
			}
		case "format_version":
			var version string
			if err := dec.Decode(&version); err != nil {
				return unexpected(err)
			}
			if major, _, _ := strings.Cut(version, "."); major != "1" && major != "2" {
				log.Addf("gcov-version", path, "format version %q of gcov's JSON is not known (1 and 2 are); read as if it were", version)
			}
		default:
			var skip json.RawMessage
			if err := dec.Decode(&skip); err != nil {
				return unexpected(err)
			}
		}
	}
	return unexpected(expect(dec, '}'))
}

// parseFiles reads the array of source files.
func parseFiles(dec *json.Decoder, set *cover.Set) error {
	if err := expect(dec, '['); err != nil {
		return err
	}
	for dec.More() {
		var f jsonFile
		if err := dec.Decode(&f); err != nil {
			return err
		}
		if name, ok := cover.SourceName([]byte(f.File)); ok {
			addFile(&f, set.FileBytes(name))
		}
	}
	return expect(dec, ']')
}

// addFile adds one source file. A line none of whose branches was taken was
// never reached as far as its branches go (gcov does not tell).
func addFile(f *jsonFile, to *cover.File) {
	c := cover.Open(to)
	defer c.Close()
	for i := range f.Functions {
		fn := &f.Functions[i]
		name := cover.FuncName(nil, []byte(fn.Name))
		if len(name) == 0 || !isLine(fn.Line) {
			continue
		}
		c.AddFuncLine(name, uint32(fn.Line))
		c.AddFuncCount(name, int64(fn.Count))
	}
	for i := range f.Lines {
		l := &f.Lines[i]
		if !isLine(l.Line) {
			continue
		}
		c.AddLine(uint32(l.Line), int64(l.Count))
		taken := false
		for _, b := range l.Branches {
			taken = taken || b.Count > 0
		}
		for n, b := range l.Branches {
			c.AddBranch(cover.Branch{Line: uint32(l.Line), Branch: uint32(n), Taken: int64(b.Count), Evaluated: taken})
		}
	}
}

// isLine tells whether n can be the number of a line.
func isLine(n int64) bool { return n > 0 && n < 1<<31 }

// expect reads one delimiter.
func expect(dec *json.Decoder, want json.Delim) error {
	t, err := dec.Token()
	if err != nil {
		return err
	}
	if t != want {
		return fmt.Errorf("expected %q, found %v", want.String(), t)
	}
	return nil
}

// unexpected turns the end of the input within a document into an error of
// its own.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
