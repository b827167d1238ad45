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

// neverLess checks that ours has every block of stock with at least its count. Real
// programs do some things by the clock, or as the machine lets them: what is
// less is a loss only if it stays less, run after run.
func neverLess(t *testing.T, stock, ours func() profile) {
	t.Helper()
	less := stock()
	if len(less) == 0 {
		t.Fatal("nothing to compare with")
	}
	for range 8 {
		p := ours()
		for b, n := range less {
			if m, ok := p[b]; ok && m >= n {
				delete(less, b)
			}
		}
		if len(less) == 0 {
			return
		}
		again := stock()
		for b, n := range less {
			less[b] = min(n, again[b])
		}
	}
	var lines []string
	for b, n := range less {
		lines = append(lines, fmt.Sprintf("%s: never %d", b, n))
	}
	sort.Strings(lines)
	t.Errorf("%d blocks always have less than without covwrap:\n%s", len(lines), strings.Join(lines[:min(10, len(lines))], "\n"))
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
