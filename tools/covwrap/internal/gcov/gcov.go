// Package gcov reads what gcov writes for other programs: the intermediate
// text format of gcov up to 8 and of "llvm-cov gcov", and the JSON format of
// gcov 9 and later.
package gcov

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strconv"

	"github.com/covwrap/covwrap/tools/covwrap/internal/cover"
	"github.com/covwrap/covwrap/tools/covwrap/internal/trouble"
)

// ParseText adds the intermediate text format:
//
//	version:compiler version
//	cwd:folder
//	file:path of the source file                begins a file
//	function:line,[end line,]count,name
//	lcount:line,count[,has unexecuted block]
//	branch:line,taken|nottaken|notexec
//
// The text gives no number of times for a branch: a taken one counts once. The
// error is r's; other faults go to the log under the name path.
func ParseText(r io.Reader, path string, set *cover.Set, log *trouble.Log) error {
	p := textParser{path: path, set: set, log: log}
	defer p.close()
	br := bufio.NewReaderSize(r, 64<<10)
	for {
		line, err := br.ReadSlice('\n')
		if err == bufio.ErrBufferFull {
			p.find("line-too-long", "a line of more than 64 KiB was skipped")
			for err == bufio.ErrBufferFull {
				_, err = br.ReadSlice('\n')
			}
			line = nil
		}
		p.number++
		p.parse(bytes.TrimRight(line, "\r\n"))
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// textParser is the state of ParseText.
type textParser struct {
	path   string
	set    *cover.Set
	log    *trouble.Log
	number int64 // of the line
	cur    cover.Cursor
	// next is the number of the next branch per line of the open file.
	next map[uint32]uint32
}

// find reports something wrong with the present line.
func (p *textParser) find(slug, format string, args ...any) {
	p.log.Add(trouble.Finding{Slug: slug, Path: p.path, Offset: p.number, Line: p.number, Text: fmt.Sprintf(format, args...)})
}

func (p *textParser) close() { p.cur.Close() }

// parse parses one line.
func (p *textParser) parse(line []byte) {
	if len(line) == 0 {
		return
	}
	tag, rest, ok := bytes.Cut(line, []byte{':'})
	fields := bytes.Split(rest, []byte{','})
	switch {
	case !ok:
		ok = false
	case string(tag) == "version" || string(tag) == "cwd":
		return
	case string(tag) == "file":
		p.cur.Close()
		var name []byte
		if name, ok = cover.SourceName(rest); ok {
			p.cur = cover.Open(p.set.FileBytes(name))
			p.next = map[uint32]uint32{}
		}
	case !p.cur.IsOpen():
		p.find("not-a-record", "expected file:, found %q outside of any file", shorten(line))
		return
	case string(tag) == "function":
		ok = p.function(fields)
	case string(tag) == "lcount":
		ok = p.count(fields)
	case string(tag) == "branch":
		ok = p.branch(fields)
	default:
		ok = false
	}
	if !ok {
		p.find("bad-line", "%q is no line of gcov's intermediate format and was left out", shorten(line))
	}
}

// function parses line,[end line,]count,name, where the name may hold commas.
func (p *textParser) function(f [][]byte) bool {
	if len(f) < 3 {
		return false
	}
	line, ok := lineNumber(f[0])
	if !ok {
		return false
	}
	rest := f[1:]
	if _, ok := number(f[2]); ok && len(f) > 3 {
		rest = f[2:]
	}
	count, ok := number(rest[0])
	name := cover.FuncName(nil, bytes.Join(rest[1:], []byte{','}))
	if !ok || len(name) == 0 {
		return false
	}
	if line == 0 { // made by the compiler, without a place
		return true
	}
	p.cur.AddFuncLine(name, line)
	p.cur.AddFuncCount(name, count)
	return true
}

// count parses line,count[,has unexecuted block].
func (p *textParser) count(f [][]byte) bool {
	if len(f) != 2 && len(f) != 3 {
		return false
	}
	line, ok := lineNumber(f[0])
	count, ok2 := number(f[1])
	if !ok || !ok2 {
		return false
	}
	if line > 0 {
		p.cur.AddLine(line, count)
	}
	return true
}

// branch parses line,taken|nottaken|notexec.
func (p *textParser) branch(f [][]byte) bool {
	if len(f) != 2 {
		return false
	}
	line, ok := lineNumber(f[0])
	if !ok {
		return false
	}
	br := cover.Branch{Line: line, Branch: p.next[line]}
	switch string(f[1]) {
	case "taken":
		br.Taken, br.Evaluated = 1, true
	case "nottaken":
		br.Evaluated = true
	case "notexec":
	default:
		return false
	}
	p.next[line]++
	if line > 0 {
		p.cur.AddBranch(br)
	}
	return true
}

// lineNumber parses the number of a line.
func lineNumber(b []byte) (uint32, bool) {
	n, err := strconv.ParseUint(string(b), 10, 31)
	return uint32(n), err == nil
}

// number parses a count. Negative ones, which gcov writes after an overflow,
// count as zero, and too large ones as the largest.
func number(b []byte) (int64, bool) {
	n, err := strconv.ParseInt(string(b), 10, 64)
	if e, ok := err.(*strconv.NumError); ok && e.Err == strconv.ErrRange {
		err = nil
	}
	return max(n, 0), err == nil
}

// shorten cuts what a message shows of a line.
func shorten(b []byte) []byte { return b[:min(len(b), 80)] }
