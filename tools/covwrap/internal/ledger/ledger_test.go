package ledger

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

func sample() *Ledger {
	code, ok := 3, false
	at := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	return &Ledger{
		Version: Version, Test: "//a:b", Command: []string{"a", "<b>"}, Outcome: Failed, Ended: Ended{How: Exited, Code: &code}, Start: at, End: at,
		Spawned: 9, SpawnedIs: "observed", SpawnedAtLeast: 5, Covered: 5, Collected: 3,
		Children: []Child{{PID: 7, Argv: []string{"x"}, Binary: "00", Start: at, Ended: Ended{How: Exited, Success: &ok}, Collected: "map", BlocksCovered: 2}},
		LeftOut: []LeftOut{
			{PID: 8, Argv: []string{"srv", "--port\n0"}, Slug: "no-counters", Why: "w", Mend: "m"},
			{PID: 9, Argv: []string{strings.Repeat("é", 400)}, Slug: "map-damaged", Why: "w"},
		},
	}
}

func TestRoundTrip(t *testing.T) {
	var out strings.Builder
	if err := sample().Write(&out); err != nil {
		t.Fatal(err)
	}
	got, err := Read("ledger.json", strings.NewReader(out.String()))
	if err != nil || !reflect.DeepEqual(got, sample()) {
		t.Errorf("%v\n%+v\nwant\n%+v", err, got, sample())
	}
	if !strings.Contains(out.String(), `"<b>"`) {
		t.Errorf("the command line is hard to read:\n%s", out.String())
	}
	for in, want := range map[string]string{
		`{"version":2}`: "l: ledger of version 2; this covwrap reads versions up to 1",
		`{}`:            "l: ledger of version 0; this covwrap reads versions up to 1",
		`[]`:            "l: not a ledger: json: cannot unmarshal array into Go value of type ledger.Ledger",
	} {
		if _, err := Read("l", strings.NewReader(in)); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", in, err, want)
		}
	}
}

func TestTexts(t *testing.T) {
	l := sample()
	cut := "covwrap missing map-damaged pid=9 " + strings.Repeat("é", 133)
	want := []string{"covwrap spawned=5 covered=5 collected=3", "covwrap missing no-counters pid=8 srv --port 0", cut}
	if got := l.Notes(); !reflect.DeepEqual(got, want) {
		t.Errorf("notes %q, want %q", got, want)
	}
	summary := "spawned 9, covered 5, collected 3; missing: 8 no-counters (srv --port 0), 9 map-damaged (" + strings.Repeat("é", 40) + "...)"
	if got := l.Summary(); got != summary {
		t.Errorf("summary %q, want %q", got, summary)
	}
	for i := range 200 {
		l.LeftOut = append(l.LeftOut, LeftOut{PID: i, Slug: "no-counters"})
	}
	l.LeftOutMore = 5
	if n := len(l.Notes()); n != maxNotes+1 {
		t.Errorf("%d notes, want %d", n, maxNotes+1)
	}
	if got, want := l.Notes()[0], "covwrap spawned=5 covered=5 collected=3 more=107"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := l.Summary(), fmt.Sprintf(", and %d more", 199+5); !strings.HasSuffix(got, want) {
		t.Errorf("summary %q, want it to end %q", got, want)
	}
}
