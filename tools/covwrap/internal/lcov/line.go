package lcov

import (
	"bytes"

	"github.com/covwrap/covwrap/tools/covwrap/internal/cover"
)

// line parses one line, given without its newline, that parse did not.
func (p *Parser) line(line []byte, offset int64) {
	for n := len(line); n > 0 && line[n-1] == '\r'; n-- {
		line = line[:n-1]
	}
	tag, rest, ok := cutTag(line)
	if !ok {
		p.untagged(line, offset)
		return
	}
	switch string(tag) {
	case "SF":
		p.source(rest, offset)
		return
	case "TN":
		p.test = append(p.test[:0], testName(rest)...)
		return
	}
	if !p.inRecord() {
		p.find("not-a-record", offset, "expected SF:, found %s outside of any record", quote(line))
		return
	}
	switch string(tag) {
	case "DA":
		p.open()
		ok = p.da(rest, offset)
	case "FN":
		p.open()
		ok = p.fn(rest, offset)
	case "FNDA":
		p.open()
		ok = p.fnda(rest, offset)
	case "BRDA":
		p.open()
		ok = p.brda(rest, offset)
	case "BA":
		p.open()
		ok = p.ba(rest, offset)
	case "FNL":
		p.open()
		ok = p.fnl(rest)
	case "FNA":
		p.open()
		ok = p.fna(rest, offset)
	case "LF", "LH", "FNF", "FNH", "BRF", "BRH", // counted anew on output
		"VER",                // version of the source file: of no use once merged
		"MCDC", "MCF", "MCH": // conditions: no consumer of a merged report reads them
		return
	default:
		p.find("unknown-line", offset, "%s is no line of a tracefile that is known", quote(line))
		return
	}
	if !ok {
		p.find("bad-line", offset, "%s cannot be read as %s and was left out", quote(line), syntax[string(tag)])
	}
}

var comma = []byte{','}

// cutTag splits a line after the tag that it begins with, capital letters and
// a colon.
func cutTag(line []byte) (tag, rest []byte, ok bool) {
	for i, c := range line {
		if c == ':' {
			return line[:i], line[i+1:], true
		}
		if c < 'A' || c > 'Z' {
			break
		}
	}
	return nil, nil, false
}

// testName is the name in a TN line: lcov appends ",diff" to the names of
// tests that it compared.
func testName(b []byte) []byte {
	name, _, _ := bytes.Cut(b, comma)
	return name
}

// syntax is what messages say about each kind of line.
var syntax = map[string]string{
	"DA":   "DA:line,count",
	"FN":   "FN:line,name",
	"FNDA": "FNDA:count,name",
	"BRDA": "BRDA:line,block,branch,count",
	"BA":   "BA:line,0|1|2",
	"FNL":  "FNL:index,line",
	"FNA":  "FNA:index,count,name",
}

// untagged deals with lines that do not begin with a tag.
func (p *Parser) untagged(line []byte, offset int64) {
	switch {
	case isEnd(line):
		p.closeRecord()
		p.stopped = offset >= p.limit
	case len(line) > 0 && line[0] == '#':
		p.comment(line)
	case len(bytes.TrimSpace(line)) == 0:
	case p.inRecord():
		p.find("unknown-line", offset, "%s is no line of a tracefile that is known", quote(line))
	default:
		p.find("not-a-record", offset, "expected SF:, found %s outside of any record", quote(line))
	}
}

// source begins a record.
func (p *Parser) source(name []byte, offset int64) {
	if p.inRecord() {
		p.find("unfinished-record", offset, "the record of %s has no %s before the next SF:; its lines were used", p.recordName(), endOfRecord)
		p.closeRecord()
	}
	name, ok := cover.SourceName(name)
	if !ok {
		p.find("bad-line", offset, "SF:%s does not name a file; its record is left out", quote(name))
		return
	}
	p.pending = append(p.pending[:0], name...)
	if !p.opt.SkipEmpty {
		p.open()
	}
}

// open makes the record's file known, if that is still to do.
func (p *Parser) open() {
	if len(p.pending) == 0 {
		return
	}
	key := p.pending
	if p.opt.ByTest && len(p.test) > 0 {
		p.key = append(append(append(p.key[:0], p.pending...), cover.KeySeparator), p.test...)
		key = p.key
	}
	p.cur.Reopen(p.set.FileBytes(key))
	p.cur.SetTest(p.test)
	p.pending = p.pending[:0]
}

// da parses line,count[,checksum].
func (p *Parser) da(b []byte, offset int64) bool {
	no, rest, ok := cutNumber(b)
	if !ok {
		return false
	}
	digits, _, _ := bytes.Cut(rest, comma)
	count, err := p.count(digits, offset)
	if err != nil {
		return false
	}
	if no == 0 {
		p.lineZero(offset)
		return true
	}
	p.cur.AddLine(no, count)
	return true
}

// lineZero reports a count for line 0.
func (p *Parser) lineZero(offset int64) {
	p.find("line-zero", offset, "line 0 does not exist; gcov and others write it for code without a place, and genhtml refuses it")
}

// cutNumber parses a line number, below 1<<31 as Bazel has it, up to a comma.
func cutNumber(b []byte) (n uint32, rest []byte, ok bool) {
	for i, c := range b {
		if c == ',' {
			return n, b[i+1:], i > 0 && n < 1<<31
		}
		if c < '0' || c > '9' || n >= 1<<31/10+1 {
			break
		}
		n = n*10 + uint32(c-'0')
	}
	return 0, nil, false
}

// fn parses line[,end line],name.
func (p *Parser) fn(b []byte, offset int64) bool {
	no, name, ok := cutNumber(b)
	if !ok {
		return false
	}
	// lcov 2 gives the last line too. No function's name is a number.
	if _, after, ok := cutNumber(name); ok {
		name = after
	}
	if len(name) == 0 {
		return false
	}
	if no == 0 {
		p.lineZero(offset)
		return true
	}
	p.cur.AddFuncLine(p.name(name), no)
	return true
}

// fnda parses count,name.
func (p *Parser) fnda(b []byte, offset int64) bool {
	digits, name, ok := bytes.Cut(b, comma)
	if !ok || len(name) == 0 {
		return false
	}
	count, err := p.count(digits, offset)
	if err != nil {
		return false
	}
	p.cur.AddFuncCount(p.name(name), count)
	return true
}

// name spells the name of a function or branch.
func (p *Parser) name(name []byte) []byte {
	if bytes.IndexByte(name, ',') < 0 {
		return name
	}
	p.key = cover.FuncName(p.key, name)
	return p.key
}

// fnl parses index,line[,end line].
func (p *Parser) fnl(b []byte) bool {
	index, rest, ok := cutNumber(b)
	if !ok {
		return false
	}
	first, _, _ := bytes.Cut(rest, comma)
	no, ok := lineNumber(first)
	if !ok {
		return false
	}
	if p.fnLines == nil {
		p.fnLines = map[uint32]uint32{}
	}
	p.fnLines[index] = no
	return true
}

// fna parses index,count,name. Several names may share an index (aliases,
// such as the instances of a template).
func (p *Parser) fna(b []byte, offset int64) bool {
	index, rest, ok := cutNumber(b)
	if !ok {
		return false
	}
	no, known := p.fnLines[index]
	if !known || !p.fnda(rest, offset) {
		return false
	}
	_, name, _ := bytes.Cut(rest, comma)
	p.cur.AddFuncLine(p.name(name), no)
	return true
}

// brda parses line,[e]block,branch,count. In lcov 2 the branch may be an
// expression, which may hold commas.
func (p *Parser) brda(b []byte, offset int64) bool {
	no, rest, ok := cutNumber(b)
	if !ok {
		return false
	}
	block, rest, ok := bytes.Cut(rest, comma)
	last := bytes.LastIndexByte(rest, ',')
	if !ok || last <= 0 || len(block) == 0 {
		return false
	}
	name, taken := rest[:last], rest[last+1:]
	br := cover.Branch{Line: no, Block: p.set.BranchID(block)}
	if len(taken) != 1 || taken[0] != '-' {
		count, err := p.count(taken, offset)
		if err != nil {
			return false
		}
		br.Taken, br.Evaluated = count, true
	}
	if no == 0 {
		p.lineZero(offset)
		return true
	}
	br.Branch = p.set.BranchID(p.name(name))
	p.cur.AddBranch(br)
	return true
}

// ba parses line,0|1|2. Only Bazel's own tools read BA lines, so the branch
// becomes a BRDA: the n-th BA line of a source line is branch n of block 0.
func (p *Parser) ba(b []byte, offset int64) bool {
	no, taken, ok := cutNumber(b)
	if !ok || len(taken) != 1 || taken[0] < '0' || taken[0] > '2' {
		return false
	}
	if no == 0 {
		p.lineZero(offset)
		return true
	}
	if p.baLine != no {
		p.baLine, p.baIndex = no, 0
	}
	br := cover.Branch{Line: no, Branch: p.baIndex, Evaluated: taken[0] != '0'}
	if taken[0] == '2' {
		br.Taken = 1
	}
	p.baIndex++
	p.cur.AddBranch(br)
	return true
}
