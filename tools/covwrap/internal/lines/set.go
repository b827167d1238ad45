package lines

import "github.com/covwrap/covwrap/tools/covwrap/internal/cover"

// AddTo adds the lines and functions of the file to a set, under a name. One that
// cannot be the name of a source file is left out.
func (f File) AddTo(set *cover.Set, name string) {
	clean, ok := cover.SourceName([]byte(name))
	if !ok {
		return
	}
	c := cover.Open(set.FileBytes(clean))
	defer c.Close()
	for _, l := range f.Lines {
		c.AddLine(l.No, count(l.Count))
	}
	for _, fn := range f.Funcs {
		name := cover.FuncName(nil, []byte(fn.Name))
		c.AddFuncLine(name, fn.Line)
		c.AddFuncCount(name, count(fn.Count))
	}
}

// count is a sum as a set counts.
func count(n uint64) int64 { return int64(min(n, cover.MaxCount)) }
