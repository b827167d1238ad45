package main

import (
	"fmt"
	"strings"

	"go.starlark.net/syntax"
)

// generate returns the page about what a .bzl file exports, in the file's order.
func generate(path string) (string, error) {
	l := loader{files: map[string]*file{}}
	defs, err := l.open(path)
	if err != nil {
		return "", err
	}
	var page strings.Builder
	page.WriteString("<!-- Made by `go run -C docs/gen .` from the docstrings in rules/. -->\n\n")
	fmt.Fprintf(&page, "# Rules\n\n%s\n", markdown(docstring(defs.syntax.Stmts, "")))
	for _, stmt := range defs.syntax.Stmts {
		assignment, ok := stmt.(*syntax.AssignStmt)
		if !ok {
			continue
		}
		name := assignment.LHS.(*syntax.Ident).Name
		section, err := l.section(defs, name)
		if err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
		page.WriteString(section)
	}
	return page.String(), nil
}

// section documents one exported name, which is a macro or a rule.
func (l *loader) section(f *file, name string) (string, error) {
	f, value, err := l.resolve(f, name)
	if err != nil {
		return "", err
	}
	switch v := value.(type) {
	case *syntax.DefStmt:
		return macro(name, v)
	case *syntax.CallExpr:
		if fn, ok := v.Fn.(*syntax.Ident); ok && fn.Name == "rule" {
			return l.rule(f, name, v)
		}
	}
	return "", fmt.Errorf("%s: neither a macro nor a rule", f.path)
}

// macro documents a function from its docstring, in Google's style.
func macro(name string, def *syntax.DefStmt) (string, error) {
	doc := docstring(def.Body, "    ")
	text, args, ok := strings.Cut(doc, "\nArgs:\n")
	if !ok {
		return "", fmt.Errorf("the docstring has no \"Args:\"")
	}
	var s strings.Builder
	fmt.Fprintf(&s, "\n## %s\n\n%s\n\n| argument | |\n| --- | --- |\n", name, markdown(text))
	documented := map[string]bool{}
	for _, entry := range paragraphs(args) {
		arg, what, ok := strings.Cut(entry, ": ")
		if !ok {
			return "", fmt.Errorf("%q is not \"argument: what it is\"", entry)
		}
		documented[strings.TrimLeft(arg, "*")] = true
		fmt.Fprintf(&s, "| `%s` | %s |\n", arg, cell(what))
	}
	for _, param := range def.Params {
		if arg := parameter(param); !documented[arg] {
			return "", fmt.Errorf("argument %q is not documented", arg)
		}
	}
	return s.String(), nil
}

// parameter returns the name of a parameter of any kind.
func parameter(param syntax.Expr) string {
	switch p := param.(type) {
	case *syntax.BinaryExpr: // name = default
		return parameter(p.X)
	case *syntax.UnaryExpr: // *args, **kwargs
		return parameter(p.X)
	case *syntax.Ident:
		return p.Name
	}
	return ""
}

// rule documents a rule from its doc and attrs.
func (l *loader) rule(f *file, name string, call *syntax.CallExpr) (string, error) {
	doc := text(argument(call, "doc"))
	if doc == "" {
		return "", fmt.Errorf("the rule has no doc")
	}
	attrs, err := l.dict(f, argument(call, "attrs"))
	if err != nil {
		return "", err
	}
	var s strings.Builder
	fmt.Fprintf(&s, "\n## %s\n\n%s\n\n| attribute | type | |\n| --- | --- | --- |\n", name, markdown(doc))
	for _, entry := range attrs {
		attribute := text(entry.Key)
		if strings.HasPrefix(attribute, "_") {
			continue
		}
		value, ok := entry.Value.(*syntax.CallExpr)
		if !ok {
			return "", fmt.Errorf("attribute %q is not made by a call of attr", attribute)
		}
		what := text(argument(value, "doc"))
		if what == "" {
			return "", fmt.Errorf("attribute %q is not documented", attribute)
		}
		kind := value.Fn.(*syntax.DotExpr).Name.Name
		if argument(value, "mandatory") != nil {
			kind += ", mandatory"
		}
		if values, ok := argument(value, "values").(*syntax.ListExpr); ok {
			var all []string
			for _, v := range values.List {
				all = append(all, "`"+text(v)+"`")
			}
			kind = strings.Join(all, ", ")
		}
		fmt.Fprintf(&s, "| `%s` | %s | %s |\n", attribute, kind, cell(what))
	}
	return s.String(), nil
}

// markdown joins the lines of each paragraph; code and lists stay as they are.
func markdown(doc string) string {
	var out []string
	for _, block := range strings.Split(strings.TrimSpace(doc), "\n\n") {
		if !strings.HasPrefix(block, "    ") && !strings.HasPrefix(block, "- ") {
			block = strings.Join(strings.Fields(block), " ")
		}
		out = append(out, block)
	}
	return strings.Join(out, "\n\n")
}

// cell makes a text fit into a cell of a table.
func cell(text string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "|", "\\|")
}

// paragraphs splits an Args section: an entry begins where a line is indented
// as little as the first.
func paragraphs(args string) []string {
	indent := func(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }
	var entries []string
	first := -1
	for _, line := range strings.Split(args, "\n") {
		switch {
		case strings.TrimSpace(line) == "":
		case first < 0 || indent(line) <= first:
			first = indent(line)
			entries = append(entries, strings.TrimSpace(line))
		default:
			entries[len(entries)-1] += " " + strings.TrimSpace(line)
		}
	}
	return entries
}
