// Package lcov reads and writes tracefiles: the text format that geninfo
// introduced (man 1 geninfo, "FILES") and that every coverage tool speaks in
// its own dialect.
//
//	TN:test name                          of the records that follow
//	SF:path of the source file            begins a record
//	FN:line[,end line],name               function
//	FNDA:count,name
//	FNL:index,line[,end line]             lcov 2.2: function, by index
//	FNA:index,count,name                  lcov 2.2
//	BRDA:line,[e]block,branch,count       branch; count "-": never reached
//	BA:line,0|1|2                         Google's: not reached, reached, taken
//	DA:line,count[,checksum]              line
//	FNF: FNH: BRF: BRH: LF: LH:           totals, which we count ourselves
//	end_of_record
//	#covwrap ...                          what the launcher says (see note)
package lcov

const (
	endOfRecord = "end_of_record"
	// bufferSize is what a parser reads at once: little enough to stay in the
	// processor's cache between reading and parsing.
	bufferSize = 256 << 10
	// maxLine is the longest line that is parsed. Longer ones are skipped by
	// name; without a bound a file without newlines would have to fit in
	// memory.
	maxLine = 16 << 20
	// maxNote bounds the text about one left-out child.
	maxNote = 1024
)
