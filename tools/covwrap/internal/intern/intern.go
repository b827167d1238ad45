// Package intern keeps equal strings once. Ten thousand children of a test are
// often ten thousand times the same command.
package intern

import "strings"

// maxEntries bounds a table; what comes later is kept as it is.
const maxEntries = 1 << 12

// Table holds the strings seen so far. The zero Table is empty. Not for
// concurrent use.
type Table struct {
	one  map[string]string
	many map[string][]string
}

// String returns a string that is equal to s, the same for equal ones.
func (t *Table) String(s string) string {
	if v, ok := t.one[s]; ok {
		return v
	}
	if t.one == nil {
		t.one = map[string]string{}
	}
	if len(t.one) < maxEntries {
		// s may be a piece of something big.
		s = strings.Clone(s)
		t.one[s] = s
	}
	return s
}

// Strings returns a list that is equal to list and must not be changed, the
// same for equal ones.
func (t *Table) Strings(list []string) []string {
	if len(list) == 0 {
		return list
	}
	key := strings.Join(list, "\x00")
	if v, ok := t.many[key]; ok && len(v) == len(list) {
		return v
	}
	if t.many == nil {
		t.many = map[string][]string{}
	}
	if len(t.many) < maxEntries {
		t.many[key] = list
	}
	return list
}
