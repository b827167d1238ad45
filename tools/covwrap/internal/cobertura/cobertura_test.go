package cobertura

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/covwrap/covwrap/tools/covwrap/internal/cover"
	"github.com/covwrap/covwrap/tools/covwrap/internal/lcov"
	"github.com/covwrap/covwrap/tools/covwrap/internal/trouble"
)

func set(t testing.TB, tracefile string) *cover.Set {
	t.Helper()
	s := cover.NewSet()
	if err := lcov.NewParser(s, &trouble.Log{}).Parse(strings.NewReader(tracefile), lcov.Options{}); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestWrite(t *testing.T) {
	var b bytes.Buffer
	in := "SF:a/x.cc\nFN:1,operator<(A\"&B)\nFNDA:2,operator<(A\"&B)\nBRDA:2,0,0,1\nBRDA:2,0,1,-\nBRDA:9,0,0,1\nDA:1,2\nDA:2,1\nDA:4,0\nend_of_record\nSF:main.go\nDA:1,0\nend_of_record\n"
	if err := Write(&b, set(t, in)); err != nil {
		t.Fatal(err)
	}
	want := `<?xml version="1.0" encoding="UTF-8"?>
<coverage line-rate="0.5000" branch-rate="0.6666" lines-covered="2" lines-valid="4" branches-covered="2" branches-valid="3" complexity="0" version="covwrap" timestamp="0">
	<sources>
		<source>.</source>
	</sources>
	<packages>
		<package name="a" line-rate="0.6666" branch-rate="0.6666" complexity="0">
			<classes>
				<class name="x.cc" filename="a/x.cc" line-rate="0.6666" branch-rate="0.6666" complexity="0">
					<methods>
						<method name="operator&lt;(A&#34;&amp;B)" signature="" line-rate="1" branch-rate="0" complexity="0">
							<lines>
								<line number="1" hits="2"/>
							</lines>
						</method>
					</methods>
					<lines>
						<line number="1" hits="2"/>
						<line number="2" hits="1" branch="true" condition-coverage="50% (1/2)"/>
						<line number="4" hits="0"/>
					</lines>
				</class>
			</classes>
		</package>
		<package name="." line-rate="0.0000" branch-rate="0" complexity="0">
			<classes>
				<class name="main.go" filename="main.go" line-rate="0.0000" branch-rate="0" complexity="0">
					<methods>
					</methods>
					<lines>
						<line number="1" hits="0"/>
					</lines>
				</class>
			</classes>
		</package>
	</packages>
</coverage>
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

// TestParts wants every file in exactly one part, parts that are XML, and
// none larger than the limit but for a package that is.
func TestParts(t *testing.T) {
	in := ""
	for i := range 30 {
		in += fmt.Sprintf("SF:p%02d/x.go\n", i)
		for line := range 20 {
			in += fmt.Sprintf("DA:%d,1\n", line+1)
		}
		in += "end_of_record\n"
	}
	const limit = 5000
	parts, tooLarge := Parts(set(t, in), limit)
	if tooLarge != 0 || len(parts) < 8 {
		t.Errorf("%d parts, %d too large", len(parts), tooLarge)
	}
	files := map[string]int{}
	for _, p := range parts {
		if len(p) > limit {
			t.Errorf("a part of %d bytes", len(p))
		}
		d := xml.NewDecoder(bytes.NewReader(p))
		for {
			token, err := d.Token()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if e, ok := token.(xml.StartElement); ok && e.Name.Local == "class" {
				files[e.Attr[1].Value]++
			}
		}
	}
	if len(files) != 30 {
		t.Errorf("%d files in all parts, want 30", len(files))
	}
	for name, n := range files {
		if n != 1 {
			t.Errorf("%s is in %d parts", name, n)
		}
	}
	if parts, tooLarge = Parts(set(t, in), 100); len(parts) != 30 || tooLarge != 30 {
		t.Errorf("with a limit of 100: %d parts, %d too large; want 30 and 30", len(parts), tooLarge)
	}
	if parts, tooLarge = Parts(cover.NewSet(), 100_000); len(parts) != 1 || tooLarge != 0 {
		t.Errorf("nothing: %d parts", len(parts))
	}
}
