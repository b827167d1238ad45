package lcov

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"strconv"

	"github.com/covwrap/covwrap/tools/covwrap/internal/cover"
	"github.com/covwrap/covwrap/tools/covwrap/internal/trouble"
)

// Options says how to read.
type Options struct {
	// Path names the input in findings.
	Path string
	// ByTest keeps the records of differently named tests (TN) apart; see
	// cover.SplitName.
	ByTest bool
	// SkipEmpty leaves out records without lines, functions and branches; the
	// set then only knows of their files.
	SkipEmpty bool
	// SkipNotes leaves out the launcher's notes.
	SkipNotes bool
}

// Parser adds tracefiles to a set. It keeps its buffer between files. A Parser
// belongs to one goroutine.
type Parser struct {
	set *cover.Set
	log *trouble.Log
	opt Options

	buf             []byte
	base            int64 // offset in the file of what parse was given
	limit           int64 // stop after the first end_of_record at or after this
	stopped         bool
	cur             cover.Cursor
	pending         []byte            // name of the record that has nothing yet (SkipEmpty)
	test            []byte            // TN of the records that follow
	key             []byte            // scratch
	fnLines         map[uint32]uint32 // FNL: line by index, within a record
	baLine, baIndex uint32            // BA: the line of the last one, and the next one's branch
}

// NewParser returns a parser that adds to set and reports to log.
func NewParser(set *cover.Set, log *trouble.Log) *Parser {
	return &Parser{set: set, log: log, buf: make([]byte, bufferSize)}
}

// Parse adds all of r. The error is r's; whatever else is wrong goes to the
// log, and what is right is added.
func (p *Parser) Parse(r io.Reader, opt Options) error {
	p.reset(opt)
	p.limit = 1<<63 - 1
	return p.run(r)
}

// ParseChunk adds the records of the part of a file that begins at from and
// ends before to; all chunks of a file together add all its records once. A
// record belongs to the chunk in which the previous record's end_of_record
// line begins (the first record to the first chunk).
func (p *Parser) ParseChunk(r io.ReaderAt, from, to, size int64, opt Options) error {
	p.reset(opt)
	p.limit = to
	if to >= size {
		p.limit = 1<<63 - 1
	}
	start := int64(0)
	if from > 0 {
		// A line that begins at or after from: look one byte back for the
		// newline that may end just before it.
		var err error
		if start, err = p.skipRecord(io.NewSectionReader(r, from-1, size-from+1), from-1); err != nil {
			return err
		}
		if start < 0 {
			return nil
		}
	}
	p.base = start
	p.test = append(p.test, testBefore(r, start)...)
	return p.run(io.NewSectionReader(r, start, size-start))
}

// lookBack is how far before a chunk the name of its test is looked for. Tools
// write one before every record.
const lookBack = 256 << 10

// testBefore returns the name in the last TN line before offset at.
func testBefore(r io.ReaderAt, at int64) []byte {
	from := max(at-lookBack, 0)
	b := make([]byte, at-from)
	n, _ := r.ReadAt(b, from)
	b = b[:n]
	i := bytes.LastIndex(b, []byte("\nTN:")) + 1
	if i == 0 && (from > 0 || !bytes.HasPrefix(b, []byte("TN:"))) {
		return nil
	}
	line, _, _ := bytes.Cut(b[i+len("TN:"):], []byte{'\n'})
	return testName(bytes.TrimRight(line, "\r"))
}

// reset forgets the previous input.
func (p *Parser) reset(opt Options) {
	p.opt = opt
	p.base = 0
	p.stopped = false
	p.test = p.test[:0]
	p.pending = p.pending[:0]
	clear(p.fnLines)
}

// skipRecord finds the first line that begins in or after the chunk and is an
// end_of_record, and returns the offset that follows it: -1 if the line is not
// in the chunk. r begins at offset at, one byte before the chunk.
func (p *Parser) skipRecord(r io.Reader, at int64) (int64, error) {
	n := 0        // bytes in the buffer
	skip := true  // the first line began before the chunk
	long := false // the line began in an earlier buffer
	for {
		m, err := r.Read(p.buf[n:])
		n += m
		done := 0
		for {
			i := bytes.IndexByte(p.buf[done:n], '\n')
			if i < 0 {
				break
			}
			line := p.buf[done : done+i]
			begin := at + int64(done)
			done += i + 1
			if !skip && !long && begin >= p.limit {
				return -1, nil
			}
			if !skip && !long && isEnd(line) {
				return at + int64(done), nil
			}
			skip, long = false, false
		}
		copy(p.buf, p.buf[done:n])
		n -= done
		at += int64(done)
		if n == len(p.buf) { // no newline in a whole buffer
			at += int64(n)
			n, long = 0, true
		}
		if err == io.EOF {
			return -1, nil
		}
		if err != nil {
			return -1, err
		}
	}
}

// isEnd tells whether line, without its newline, ends a record.
func isEnd(line []byte) bool {
	return string(bytes.TrimRight(line, "\r \t")) == endOfRecord
}

// run reads r, which begins at p.base, and parses it line by line.
func (p *Parser) run(r io.Reader) error {
	n := 0
	long := false // skipping the rest of a line that is too long
	var err error
	for !p.stopped {
		var m int
		m, err = r.Read(p.buf[n:])
		scanned := n
		n += m
		if end := bytes.LastIndexByte(p.buf[scanned:n], '\n'); end >= 0 {
			end += scanned + 1
			from := 0
			if long {
				from = bytes.IndexByte(p.buf[:end], '\n') + 1
				long = false
			}
			p.base += int64(from)
			p.parse(p.buf[from:end])
			p.base += int64(end - from)
			copy(p.buf, p.buf[end:n])
			n -= end
		}
		if n == len(p.buf) {
			if n < maxLine {
				p.buf = append(p.buf, make([]byte, len(p.buf))...)
			} else {
				if !long {
					p.find("line-too-long", p.base, "a line of more than %d MiB was skipped", maxLine>>20)
				}
				long = true
				p.base += int64(n)
				n = 0
			}
		}
		if err != nil {
			break
		}
	}
	if !p.stopped {
		p.finish(p.buf[:n], long, err)
	}
	p.closeRecord()
	if len(p.buf) > 1<<20 { // a long line is no reason to stay large
		p.buf = make([]byte, bufferSize)
	}
	if err == io.EOF {
		return nil
	}
	return err
}

// finish deals with the end of the input; rest is what follows the last
// newline.
func (p *Parser) finish(rest []byte, long bool, err error) {
	if len(rest) > 0 && !long {
		if isEnd(rest) || !p.inRecord() {
			p.parse(append(rest, '\n'))
		} else {
			// Half a number looks like a number: the last line of a file that
			// was cut off must not be believed.
			p.find("truncated", p.base, "the file ends within a record and within a line; the line %s was left out", quote(rest))
			return
		}
	}
	if p.inRecord() && err == io.EOF {
		p.find("truncated", p.base, "the file ends within the record of %s (no %s); its complete lines were used", p.recordName(), endOfRecord)
	}
}

// inRecord tells whether a record is open.
func (p *Parser) inRecord() bool { return p.cur.IsOpen() || len(p.pending) > 0 }

// recordName names the source file of the open record.
func (p *Parser) recordName() string {
	if p.cur.IsOpen() {
		return quote([]byte(p.cur.File().Name))
	}
	return quote(p.pending)
}

// closeRecord ends the open record.
func (p *Parser) closeRecord() {
	if len(p.pending) > 0 {
		p.set.Know(p.pending)
	}
	p.cur.Close()
	p.pending = p.pending[:0]
	p.baLine, p.baIndex = 0, 0
	if len(p.fnLines) > 0 {
		clear(p.fnLines)
	}
}

// find reports something wrong at an offset.
func (p *Parser) find(slug string, offset int64, format string, args ...any) {
	p.log.Add(trouble.Finding{Slug: slug, Path: p.opt.Path, Offset: offset, Text: fmt.Sprintf(format, args...)})
}

// quote shows a piece of input, shortened: a line of text nearly always whole,
// of anything else enough to see that it is none.
func quote(b []byte) string {
	const (
		most   = 80
		binary = 20
	)
	if len(b) <= most {
		if s := strconv.Quote(string(b)); len(s) <= 2*most {
			return s
		}
	}
	b = b[:min(most, len(b))]
	if s := strconv.Quote(string(b)); len(s) <= 2*most {
		return s + "..."
	}
	return strconv.Quote(string(b[:binary])) + "..."
}

// parse parses complete lines: b ends with a newline.
func (p *Parser) parse(b []byte) {
	all := len(b)
	for len(b) > 0 {
		if b[0] == 'D' && p.cur.IsOpen() {
			b = p.parseDA(b)
			if len(b) == 0 {
				return
			}
		}
		n := bytes.IndexByte(b, '\n')
		p.line(b[:n], p.base+int64(all-len(b)))
		if p.stopped {
			return
		}
		b = b[n+1:]
	}
}

// parseDA parses lines DA:line,count as long as they are of the usual shape,
// and returns what follows. Nine of ten lines of a tracefile are such lines,
// and it is here that a merge spends its time.
//
// Lines whose numbers fit in eight bytes with their comma and newline, of four
// digits at most each, are parsed without branches, as eight bytes in one
// word: how long a count is cannot be predicted, and a wrong guess costs more
// than the rest of the line.
//
//	bytes  1  2  3  ,  4  5 \n  D
//	z      0  1  2  3  0  0  4  5   digits, each number in a half of its own
//	z         12    3   ...         pairs: 10*digit + next digit
//	z            123          45    halves: 100*pair + next pair
//
// Other lines go digit by digit: the window of fixed size lets the compiler
// leave out bounds checks, and the first digits have branches of their own,
// which the processor predicts far better than a loop's.
func (p *Parser) parseDA(b []byte) []byte {
	const (
		prefix = 'D' | 'A'<<8 | ':'<<16
		window = 32
		in     = window - 1 // mask that keeps an index in the window
		ones   = 0x0101010101010101
		high   = 0x80 * ones
	)
	tail, used, i := p.cur.Tail(), 0, 0
	for len(b)-i >= window {
		w := (*[window]byte)(b[i:])
		if binary.LittleEndian.Uint32(w[:])&0xffffff != prefix {
			break
		}
		x := binary.LittleEndian.Uint64(w[3:])
		// The lowest high bit marks the first byte that is a comma, or a
		// newline; the bits before it are the bytes before that.
		comma, end := x^','*ones, x^'\n'*ones
		comma, end = (comma-ones)&^comma&high, (end-ones)&^end&high
		noBits := uint(bits.TrailingZeros64(comma)) &^ 7
		endBits := uint(bits.TrailingZeros64(end)) &^ 7
		countBits := endBits - noBits - 8
		if end != 0 && noBits-8 <= 24 && countBits-8 <= 24 {
			digits := x ^ '0'*ones
			// &63 spares the checks for longer shifts.
			z := uint64(uint32(digits<<((32-noBits)&63))) | digits>>((noBits+8)&63)<<((64-countBits)&63)
			if (z|(z+0x76*ones))&high == 0 { // all are from 0 to 9
				z = (z*10 + z>>8) & 0x00ff00ff00ff00ff
				z = (z*100 + z>>16) & 0x0000ffff0000ffff
				if used < len(tail) && tail[used].No == uint32(z) {
					l := &tail[used]
					used++
					if l.Count += int64(z >> 32); l.Count < 0 {
						l.Count = cover.MaxCount
						p.cur.Saturate(l.No)
					}
					i += int(endBits/8) + 4
					continue
				}
			}
		}
		no := uint32(w[3]) - '0'
		if no > 9 {
			break
		}
		j := uint(4)
		for d := uint32(w[4]) - '0'; d <= 9; d = uint32(w[j&in]) - '0' {
			no = no*10 + d
			j++
		}
		if w[j&in] != ',' || no == 0 || j > 3+9 {
			break
		}
		j++
		count := uint64(w[j&in]) - '0'
		if count > 9 {
			break
		}
		k := j + 1
		if d := uint64(w[k&in]) - '0'; d <= 9 {
			count = count*10 + d
			k++
			if d := uint64(w[k&in]) - '0'; d <= 9 {
				count = count*10 + d
				k++
				for d := uint64(w[k&in]) - '0'; d <= 9 && k < window; d = uint64(w[k&in]) - '0' {
					count = count*10 + d
					k++
				}
			}
		}
		if k >= window || w[k&in] != '\n' || k-j > 18 {
			break
		}
		i += int(k) + 1
		if used < len(tail) && tail[used].No == no {
			l := &tail[used]
			used++
			if l.Count += int64(count); l.Count < 0 {
				l.Count = cover.MaxCount
				p.cur.Saturate(no)
			}
			continue
		}
		p.cur.Advance(used)
		p.cur.AddLine(no, int64(count))
		tail, used = p.cur.Tail(), 0
	}
	p.cur.Advance(used)
	return b[i:]
}

// errNumber is what is wrong with a field that should be a number.
var errNumber = errors.New("not a number")

// count parses a count: not negative, at most cover.MaxCount. Larger ones
// saturate, and negative ones (gcov writes them after an overflow of its own)
// count as zero; both are reported.
func (p *Parser) count(b []byte, offset int64) (int64, error) {
	n := int64(0)
	neg := len(b) > 0 && b[0] == '-'
	digits := b
	if neg {
		digits = b[1:]
	}
	if len(digits) == 0 {
		return 0, errNumber
	}
	over := false
	for _, c := range digits {
		d := int64(c - '0')
		if c < '0' || c > '9' {
			return 0, errNumber
		}
		if n > (cover.MaxCount-d)/10 {
			over = true
			continue
		}
		n = n*10 + d
	}
	switch {
	case neg && (n != 0 || over):
		p.find("negative-count", offset, "the count %s was taken as 0", quote(b))
		return 0, nil
	case over:
		p.find("count-saturated", offset, "the count %s is larger than %d, which was taken", quote(b), int64(cover.MaxCount))
		return cover.MaxCount, nil
	}
	return n, nil
}

// lineNumber parses the number of a line: below 1<<31, as Bazel has it.
func lineNumber(b []byte) (uint32, bool) {
	n := uint64(0)
	for _, c := range b {
		if c < '0' || c > '9' || n > 1<<31 {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return uint32(n), len(b) > 0 && n < 1<<31
}
