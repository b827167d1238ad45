package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"go.starlark.net/syntax"
)

// file is one parsed .bzl file.
type file struct {
	path    string
	syntax  *syntax.File
	globals map[string]syntax.Node // name to what is assigned to it, or its def
	loads   map[string]loaded      // name to where it is from
}

// loaded is a name in another file.
type loaded struct{ path, name string }

// loader parses each file once.
type loader struct{ files map[string]*file }

func (l *loader) open(path string) (*file, error) {
	if f, ok := l.files[path]; ok {
		return f, nil
	}
	parsed, err := (&syntax.FileOptions{}).Parse(path, nil, 0)
	if err != nil {
		return nil, err
	}
	f := &file{path, parsed, map[string]syntax.Node{}, map[string]loaded{}}
	l.files[path] = f
	root := strings.Split(filepath.ToSlash(path), "rules/")[0]
	for _, stmt := range parsed.Stmts {
		switch s := stmt.(type) {
		case *syntax.LoadStmt:
			label := s.ModuleName()
			if !strings.HasPrefix(label, "//") {
				continue // another repository's
			}
			for i, from := range s.From {
				f.loads[s.To[i].Name] = loaded{root + strings.ReplaceAll(strings.TrimPrefix(label, "//"), ":", "/"), from.Name}
			}
		case *syntax.AssignStmt:
			if name, ok := s.LHS.(*syntax.Ident); ok {
				f.globals[name.Name] = s.RHS
			}
		case *syntax.DefStmt:
			f.globals[s.Name.Name] = s
		}
	}
	return f, nil
}

// resolve follows a name, through assignments and loads, to the file and the
// expression or function that it stands for.
func (l *loader) resolve(f *file, name string) (*file, syntax.Node, error) {
	for {
		if from, ok := f.loads[name]; ok {
			next, err := l.open(from.path)
			if err != nil {
				return nil, nil, err
			}
			f, name = next, from.name
			continue
		}
		value, ok := f.globals[name]
		if !ok {
			return nil, nil, fmt.Errorf("%s does not define %q", f.path, name)
		}
		alias, ok := value.(*syntax.Ident)
		if !ok {
			return f, value, nil
		}
		name = alias.Name
	}
}

// dict returns the entries of a dict that is written down, named, returned by a
// function, or the union (|) of several.
func (l *loader) dict(f *file, expr syntax.Expr) ([]*syntax.DictEntry, error) {
	switch e := expr.(type) {
	case *syntax.DictExpr:
		var entries []*syntax.DictEntry
		for _, entry := range e.List {
			entries = append(entries, entry.(*syntax.DictEntry))
		}
		return entries, nil
	case *syntax.Ident:
		f, value, err := l.resolve(f, e.Name)
		if err != nil {
			return nil, err
		}
		if dict, ok := value.(syntax.Expr); ok {
			return l.dict(f, dict)
		}
	case *syntax.CallExpr: // of a function that does nothing but return a dict
		if fn, ok := e.Fn.(*syntax.Ident); ok {
			f, value, err := l.resolve(f, fn.Name)
			if err != nil {
				return nil, err
			}
			if def, ok := value.(*syntax.DefStmt); ok {
				if last, ok := def.Body[len(def.Body)-1].(*syntax.ReturnStmt); ok {
					return l.dict(f, last.Result)
				}
			}
		}
	case *syntax.BinaryExpr:
		if e.Op == syntax.PIPE {
			x, err := l.dict(f, e.X)
			if err != nil {
				return nil, err
			}
			y, err := l.dict(f, e.Y)
			return append(x, y...), err
		}
	}
	return nil, fmt.Errorf("%s: the attributes are not a dict that can be read here", f.path)
}

// argument returns the value of a call's keyword argument, nil if it has none.
func argument(call *syntax.CallExpr, name string) syntax.Expr {
	for _, arg := range call.Args {
		if kw, ok := arg.(*syntax.BinaryExpr); ok && kw.Op == syntax.EQ {
			if ident, ok := kw.X.(*syntax.Ident); ok && ident.Name == name {
				return kw.Y
			}
		}
	}
	return nil
}

// text returns the value of a string literal, "" for anything else.
func text(expr syntax.Expr) string {
	if literal, ok := expr.(*syntax.Literal); ok {
		if s, ok := literal.Value.(string); ok {
			return s
		}
	}
	return ""
}

// docstring returns the string that a file or a function begins with, without
// the indentation of the function's body.
func docstring(body []syntax.Stmt, indent string) string {
	if len(body) == 0 {
		return ""
	}
	stmt, ok := body[0].(*syntax.ExprStmt)
	if !ok {
		return ""
	}
	return strings.ReplaceAll(text(stmt.X), "\n"+indent, "\n")
}
