// Package gocmd understands command lines of the go command well enough to
// add flags to them and to take flags out, without changing what the user's
// own words mean. It knows the shape of a command line (which flags take a
// value, where packages end and a program's own arguments begin), never the
// meaning of a flag.
package gocmd

import "strings"

// Flag is one flag of a go command line.
type Flag struct {
	Name  string   // without dashes and without the "test." prefix
	Value string   // "" if it has none
	Words []string // as typed: one word ("-o=x", "-v") or two ("-o", "x")
}

// Line is a go command line, taken apart: "go [-C Dir] Sub Flags... Rest...".
type Line struct {
	Dir  string // value of -C, "" if absent
	Sub  string // subcommand: "build", "test", ...
	Args []Arg  // flags and package patterns in their order
	Rest []string
	// Rest is handed on untouched: the program's arguments of "go run", what
	// follows "-args" (and that word itself) of "go test", the words after "--".
}

// Arg is a flag or, with Flag nil, a package pattern or file.
type Arg struct {
	Flag *Flag
	Word string
}

// builds lists the subcommands that compile and that take cover flags.
var builds = [...]string{"build", "install", "run", "test"}

// Builds reports whether the subcommand compiles packages into programs that
// can carry counters; other subcommands are passed to the go command as typed.
func Builds(sub string) bool {
	for _, b := range builds {
		if b == sub {
			return true
		}
	}
	return false
}

// switches are the flags that take no value as a word of their own: the
// boolean flags of "go help build" and "go help testflag" (Go 1.24 to 1.27).
// A flag that is not listed is taken to have one, as the go command's newer
// flags nearly all do.
const switches = " a n x v asan buildvcs cover json linkshared modcacherw msan race trimpath work" +
	" artifacts benchmem c failfast fullpath i short h help "

// takesValue reports whether the flag's value is the next word when it is not
// written with "=".
func takesValue(name string) bool {
	return !strings.Contains(switches, " "+name+" ")
}

// Parse takes the words after "go" apart. It never fails: what it does not
// understand is kept where it stood, so that the go command itself complains.
func Parse(words []string) Line {
	var l Line
	if dir, n := chdir(words); n > 0 {
		l.Dir, words = dir, words[n:]
	}
	if len(words) == 0 {
		return l
	}
	l.Sub, words = words[0], words[1:]
	if !Builds(l.Sub) {
		l.Rest = words
		return l
	}
	if l.Dir == "" {
		if dir, n := chdir(words); n > 0 {
			l.Dir, words = dir, words[n:]
		}
	}
	for i := 0; i < len(words); {
		w := words[i]
		name, value, ok := flagName(w)
		switch {
		case w == "--" || (l.Sub == "test" && name == "args"):
			l.Rest = words[i:]
			return l
		case !ok && l.Sub == "run" && l.endsRun(w, words[i+1:]):
			l.Args = append(l.Args, Arg{Word: w})
			l.Rest = words[i+1:]
			return l
		case !ok && l.Sub != "test" && l.Sub != "run":
			// Flags of build and install end at the first package.
			for _, w := range words[i:] {
				l.Args = append(l.Args, Arg{Word: w})
			}
			return l
		case !ok:
			l.Args = append(l.Args, Arg{Word: w})
			i++
			continue
		}
		f := &Flag{Name: name, Value: value, Words: words[i : i+1 : i+1]}
		if !strings.Contains(w, "=") && takesValue(name) && i+1 < len(words) {
			f.Value, f.Words = words[i+1], words[i:i+2:i+2]
		}
		l.Args = append(l.Args, Arg{Flag: f})
		i += len(f.Words)
	}
	return l
}

// endsRun reports whether the word is the last one of "go run" that names what
// to run: a package, or the last of several .go files. What follows belongs to
// the program.
func (l Line) endsRun(word string, rest []string) bool {
	return !strings.HasSuffix(word, ".go") || len(rest) == 0 || !strings.HasSuffix(rest[0], ".go") || strings.HasPrefix(rest[0], "-")
}

// chdir reads "-C dir" or "-C=dir", which the go command takes as its very
// first flag only, and returns the number of words that it has: 0 as well for
// an empty directory, which the go command refuses and so has to see.
func chdir(words []string) (dir string, n int) {
	if len(words) == 0 {
		return "", 0
	}
	name, value, ok := flagName(words[0])
	switch {
	case !ok || name != "C":
		return "", 0
	case strings.Contains(words[0], "="):
		dir, n = value, 1
	case len(words) > 1:
		dir, n = words[1], 2
	}
	if dir == "" {
		return "", 0
	}
	return dir, n
}

// flagName splits "-name=value"; ok is false for a word that is no flag.
func flagName(word string) (name, value string, ok bool) {
	if len(word) < 2 || word[0] != '-' {
		return "", "", false
	}
	name = strings.TrimPrefix(word[1:], "-")
	name, value, _ = strings.Cut(name, "=")
	return strings.TrimPrefix(name, "test."), value, name != ""
}

// Lookup returns the value of the last flag of that name, which is the one
// that the go command goes by.
func (l Line) Lookup(name string) (value string, ok bool) {
	for _, a := range l.Args {
		if a.Flag != nil && a.Flag.Name == name {
			value, ok = a.Flag.Value, true
		}
	}
	return value, ok
}

// Without returns the line with every flag of these names taken out.
func (l Line) Without(names ...string) Line {
	kept := make([]Arg, 0, len(l.Args))
	for _, a := range l.Args {
		if a.Flag == nil || !contains(names, a.Flag.Name) {
			kept = append(kept, a)
		}
	}
	l.Args = kept
	return l
}

// With returns the line with the flags put before all others, so that a flag
// of the user's that says otherwise wins.
func (l Line) With(flags ...string) Line {
	args := make([]Arg, 0, len(flags)+len(l.Args))
	for _, f := range flags {
		name, value, _ := flagName(f)
		args = append(args, Arg{Flag: &Flag{Name: name, Value: value, Words: []string{f}}})
	}
	l.Args = append(args, l.Args...)
	return l
}

// Words returns what follows "go" on the command line.
func (l Line) Words() []string {
	var w []string
	if l.Dir != "" {
		w = append(w, "-C", l.Dir)
	}
	if l.Sub != "" {
		w = append(w, l.Sub)
	}
	for _, a := range l.Args {
		if a.Flag != nil {
			w = append(w, a.Flag.Words...)
		} else {
			w = append(w, a.Word)
		}
	}
	return append(w, l.Rest...)
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}
