//go:build linux

package plain

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"testing"
)

// profile is a Go text coverage profile: block ("file:1.2,3.4 5") to count.
type profile map[string]uint64

func readProfile(t *testing.T, name string) profile {
	t.Helper()
	p := profile{}
	for i, line := range strings.Split(strings.TrimSuffix(read(t, name), "\n"), "\n") {
		if strings.HasPrefix(line, "mode: ") {
			continue
		}
		j := strings.LastIndexByte(line, ' ')
		if j < 0 {
			t.Fatalf("%s:%d: %q", name, i+1, line)
		}
		n, err := strconv.ParseUint(line[j+1:], 10, 64)
		if err != nil {
			t.Fatalf("%s:%d: %v", name, i+1, err)
		}
		p[line[:j]] = max(p[line[:j]], n)
	}
	return p
}

// notLess checks that p has every block of q with at least its count.
func (p profile) notLess(t *testing.T, q profile, what string) {
	t.Helper()
	if len(q) == 0 {
		t.Fatalf("%s: nothing to compare with", what)
	}
	var less []string
	for b, n := range q {
		if m, ok := p[b]; !ok || m < n {
			less = append(less, fmt.Sprintf("%s: %d instead of %d (there: %v)", b, m, n, ok))
		}
	}
	sort.Strings(less)
	if len(less) > 0 {
		t.Errorf("%s: %d of %d blocks have less than without covwrap:\n%s", what, len(less), len(q), strings.Join(less[:min(10, len(less))], "\n"))
	}
}

// entry returns the count of the first block of a function: how often it was
// called. The file is found below dir, the module's root; the function is
// named as in the source, "processPub" or "client.processPub".
func (p profile) entry(t *testing.T, dir, modulePath, file, function string) uint64 {
	t.Helper()
	set := token.NewFileSet()
	tree, err := parser.ParseFile(set, filepath.Join(dir, filepath.FromSlash(file)), nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range tree.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || name(fn) != function {
			continue
		}
		begin := set.Position(fn.Body.Lbrace)
		prefix := fmt.Sprintf("%s/%s:%d.%d,", modulePath, file, begin.Line, begin.Column)
		for b, n := range p {
			if strings.HasPrefix(b, prefix) {
				return n
			}
		}
		t.Fatalf("no block begins with %s", prefix)
	}
	t.Fatalf("%s has no function %s", file, function)
	return 0
}

// name is a function's name, with its receiver's type before it.
func name(fn *ast.FuncDecl) string {
	if fn.Recv == nil {
		return fn.Name.Name
	}
	typ := fn.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	if id, ok := typ.(*ast.Ident); ok {
		return id.Name + "." + fn.Name.Name
	}
	return fn.Name.Name
}
