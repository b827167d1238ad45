package trouble

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// TestPrint adds findings in both orders and wants the same words.
func TestPrint(t *testing.T) {
	path := filepath.Join(t.TempDir(), "in")
	if err := os.WriteFile(path, []byte("a\nb\nc\nd\ne\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	findings := []Finding{
		{Slug: "bad", Path: path, Offset: 0, Text: "A"},
		{Slug: "bad", Path: path, Offset: 2, Text: "B"},
		{Slug: "odd", Path: path, Offset: 2, Text: "odd B"},
		{Slug: "bad", Path: path, Offset: 4, Text: "C"},
		{Slug: "bad", Path: path, Offset: 6, Text: "D"},
		{Slug: "bad", Path: path, Offset: 8, Text: "E"},
		{Slug: "bad", Path: "z", Offset: 77, Text: "gone"},
		{Slug: "bad", Path: "y", Offset: 1, Line: 12, Text: "counted"},
	}
	want := fmt.Sprintf(`x: warning: %[1]s:1: A [bad]
x: warning: %[1]s:2: B [bad]
x: warning: %[1]s:2: odd B [odd]
x: warning: %[1]s:3: C [bad]
x: warning: %[1]s: 2 more of this kind [bad]
x: warning: w: whole [file]
x: warning: y:12: counted [bad]
x: warning: z: gone [bad]
`, path)
	for _, back := range []bool{false, true} {
		var log Log
		log.Addf("file", "w", "who%s", "le")
		for i := range findings {
			if back {
				i = len(findings) - 1 - i
			}
			log.Add(findings[i])
		}
		var b bytes.Buffer
		log.Print(&b, "x")
		if b.String() != want {
			t.Errorf("got\n%s\nwant\n%s", b.String(), want)
		}
		if log.Count() != 9 || log.Files() != 4 {
			t.Errorf("%d findings in %d files, want 9 in 4", log.Count(), log.Files())
		}
	}
}

// TestBounded adds more than is printed, and more kinds than are kept.
func TestBounded(t *testing.T) {
	var log Log
	for i := range maxKinds + 5 {
		log.Addf("bad", fmt.Sprintf("%05d", i), "x")
	}
	if len(log.kinds) != maxKinds || log.Count() != maxKinds+5 {
		t.Errorf("%d kinds kept, %d counted", len(log.kinds), log.Count())
	}
	var b bytes.Buffer
	log.Print(&b, "x")
	if got, want := bytes.Count(b.Bytes(), []byte("\n")), maxPrinted+1; got != want {
		t.Errorf("%d lines, want %d", got, want)
	}
	if want := fmt.Sprintf("x: warning: %d more places in %d files in all\n", maxKinds-maxPrinted, maxKinds); !bytes.HasSuffix(b.Bytes(), []byte(want)) {
		t.Errorf("%s does not end with %s", b.Bytes()[b.Len()-80:], want)
	}
}
