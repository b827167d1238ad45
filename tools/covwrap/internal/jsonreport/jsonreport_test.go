package jsonreport

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/covwrap/covwrap/tools/covwrap/internal/cover"
	"github.com/covwrap/covwrap/tools/covwrap/internal/lcov"
	"github.com/covwrap/covwrap/tools/covwrap/internal/trouble"
)

func TestWrite(t *testing.T) {
	s := cover.NewSet()
	in := "TN:t\nSF:a.cc\nFN:1,\"f\"\nFNDA:2,\"f\"\nFNDA:1,nowhere\nBRDA:2,0,0,1\nBRDA:2,e1,1,-\nDA:1,2\nDA:2,0\nend_of_record\nTN:\nSF:b\nend_of_record\n"
	if err := lcov.NewParser(s, &trouble.Log{}).Parse(strings.NewReader(in), lcov.Options{}); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := Write(&b, s); err != nil {
		t.Fatal(err)
	}
	want := `{"version":1,"total":{"files":2,"lines":2,"lines_hit":1,"functions":1,"functions_hit":1,"branches":2,"branches_hit":1},"files":[
{"name":"a.cc","test":"t","total":{"files":1,"lines":2,"lines_hit":1,"functions":1,"functions_hit":1,"branches":2,"branches_hit":1},"lines":[[1,2],[2,0]],"functions":[{"name":"\"f\"","line":1,"count":2}],"branches":[{"line":2,"block":"0","branch":"0","count":1},{"line":2,"block":"e1","branch":"1","count":null}]},
{"name":"b","total":{"files":1,"lines":0,"lines_hit":0,"functions":0,"functions_hit":0,"branches":0,"branches_hit":0},"lines":[]}
]}
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
	if !json.Valid(b.Bytes()) {
		t.Error("this is no JSON")
	}
}
