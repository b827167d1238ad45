package intern

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unsafe"
)

func TestTable(t *testing.T) {
	var tab Table
	a, b := tab.String(strings.Clone("same")), tab.String(strings.Clone("same"))
	if a != "same" || unsafe.StringData(a) != unsafe.StringData(b) {
		t.Errorf("%q and %q are not the same string", a, b)
	}
	x, y := tab.Strings([]string{"a", "b"}), tab.Strings([]string{"a", "b"})
	if !reflect.DeepEqual(x, []string{"a", "b"}) || &x[0] != &y[0] {
		t.Errorf("%q and %q are not the same list", x, y)
	}
	// The same words with other borders.
	if z := tab.Strings([]string{"a\x00b"}); !reflect.DeepEqual(z, []string{"a\x00b"}) {
		t.Errorf("%q", z)
	}
	if z := tab.Strings(nil); z != nil {
		t.Errorf("%q, want nil", z)
	}
	for i := range 2 * maxEntries {
		s := fmt.Sprint(i)
		if tab.String(s) != s || tab.Strings([]string{s})[0] != s {
			t.Fatalf("%q came back changed", s)
		}
	}
	if len(tab.one) != maxEntries || len(tab.many) != maxEntries {
		t.Errorf("%d and %d entries, want %d", len(tab.one), len(tab.many), maxEntries)
	}
}
