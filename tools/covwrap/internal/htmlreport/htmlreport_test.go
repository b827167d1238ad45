package htmlreport

import (
	"bufio"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/covwrap/covwrap/tools/covwrap/internal/cover"
	"github.com/covwrap/covwrap/tools/covwrap/internal/lcov"
	"github.com/covwrap/covwrap/tools/covwrap/internal/trouble"
)

func set(t *testing.T, tracefile string) *cover.Set {
	t.Helper()
	s := cover.NewSet()
	if err := lcov.NewParser(s, &trouble.Log{}).Parse(strings.NewReader(tracefile), lcov.Options{}); err != nil {
		t.Fatal(err)
	}
	return s
}

func put(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

const in = "SF:a/x <1>.go\nFN:1,f<int&>\nFN:5,g\nFNDA:3,f<int&>\nBRDA:2,0,0,1\nBRDA:2,0,1,0\nDA:1,3\nDA:2,3\nDA:3,0\nDA:4,0\nDA:9,1\nend_of_record\n" +
	"SF:gone.go\nDA:7,0\nend_of_record\nSF:../../etc/passwd\nDA:1,1\nend_of_record\nSF:/etc/passwd\nDA:1,1\nend_of_record\nSF:link.go\nDA:1,1\nend_of_record\nSF:index\nend_of_record\n"

func TestWrite(t *testing.T) {
	src, out := t.TempDir(), filepath.Join(t.TempDir(), "report")
	put(t, filepath.Join(src, "a", "x <1>.go"), "one\n\ttwo && \"2\"\r\n<three>\nfour\xff\nfive\n")
	if err := os.Symlink("/etc/passwd", filepath.Join(src, "link.go")); err != nil {
		t.Skip(err)
	}
	r, err := Write(out, set(t, in), Options{Title: "All & more", Source: src})
	if err != nil {
		t.Fatal(err)
	}
	if r.Pages != 6 || strings.Join(r.Missing, " ") != "../../etc/passwd /etc/passwd gone.go index link.go" {
		t.Errorf("%d pages, missing %q", r.Pages, r.Missing)
	}
	got, err := os.ReadFile(filepath.Join(out, "src", "a", "x <1>.go.html"))
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(string(got), "<main>\n")
	want := `<p class="missed">not covered: <a href="#L3">3-4</a></p>
<details><summary>functions</summary><table>
<tr class="miss"><td>0</td><td><a href="#L5">g</a></td></tr>
<tr class="hit"><td>3</td><td><a href="#L1">f&lt;int&amp;&gt;</a></td></tr>
</table></details>
<table class="code">
<tr class="hit" id="L1"><td>1</td><td>3</td><td>one</td></tr>
<tr class="part" id="L2"><td>2</td><td><i>1/2</i> 3</td><td>	two &amp;&amp; &#34;2&#34;</td></tr>
<tr class="miss" id="L3"><td>3</td><td>0</td><td>&lt;three&gt;</td></tr>
<tr class="miss" id="L4"><td>4</td><td>0</td><td>four` + "\ufffd" + `</td></tr>
<tr id="L5"><td>5</td><td></td><td>five</td></tr>
<tr class="hit" id="L9"><td>9</td><td>1</td><td></td></tr>
</table></main></body></html>
`
	if body != want {
		t.Errorf("got\n%s\nwant\n%s", body, want)
	}
	checkLinks(t, out)
}

// checkLinks reads every page and wants each link to lead to a page of the
// report.
func checkLinks(t *testing.T, dir string) {
	t.Helper()
	links := 0
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, ".html") {
			return err
		}
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		d := xml.NewDecoder(bufio.NewReader(f))
		d.Strict, d.AutoClose, d.Entity = false, append([]string{"meta"}, xml.HTMLAutoClose...), xml.HTMLEntity
		for {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			e, ok := token.(xml.StartElement)
			if !ok {
				continue
			}
			for _, a := range e.Attr {
				if a.Name.Local != "href" || strings.HasPrefix(a.Value, "#") {
					continue
				}
				links++
				u, err := url.Parse(a.Value)
				if err != nil {
					return err
				}
				rel, err := filepath.Rel(dir, filepath.Dir(name))
				if err != nil {
					return err
				}
				target := path.Join(filepath.ToSlash(rel), u.Path)
				if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(target))); err != nil || strings.HasPrefix(target, "..") {
					t.Errorf("%s: the link %q leads to %s: %v", name, a.Value, target, err)
				}
			}
		}
	})
	if err != nil {
		t.Error(err)
	}
	if links < 15 {
		t.Errorf("only %d links were found", links)
	}
}

// TestReplace writes into folders that hold an earlier report, and something
// else.
func TestReplace(t *testing.T) {
	dir := t.TempDir()
	if _, err := Write(dir, set(t, "SF:old.go\nDA:1,1\nend_of_record\n"), Options{Source: dir}); err != nil {
		t.Fatal(err)
	}
	if _, err := Write(dir, set(t, "SF:new.go\nDA:1,1\nend_of_record\n"), Options{Source: dir}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "src", "old.go.html")); !os.IsNotExist(err) {
		t.Errorf("a page of the earlier report is left: %v", err)
	}
	precious := t.TempDir()
	put(t, filepath.Join(precious, "x"), "x")
	_, err := Write(precious, set(t, ""), Options{Source: dir})
	if want := precious + " is neither empty nor an earlier report: name another folder"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if _, err := os.Stat(filepath.Join(precious, "x")); err != nil {
		t.Error(err)
	}
}
