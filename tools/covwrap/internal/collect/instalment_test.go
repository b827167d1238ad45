package collect

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/covwrap/covwrap/tools/covwrap/internal/covdata"
)

// TestInstalments: a process that writes its counters several times is one
// child, with the sum of them, whether its last file comes or not; another
// process of the same binary is another child.
func TestInstalments(t *testing.T) {
	from := filepath.Join("testdata", "gocoverdir")
	entries, err := os.ReadDir(from)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var real *covdata.Counters
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(from, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(e.Name(), "covmeta.") {
			if err := os.WriteFile(filepath.Join(dir, e.Name()), data, 0o666); err != nil {
				t.Fatal(err)
			}
		} else if real, err = covdata.DecodeCounters(e.Name(), data); err != nil {
			t.Fatal(err)
		}
	}
	write := func(pid, nanos int, args map[string]string, first, others uint32) {
		t.Helper()
		w := covdata.NewCounterWriter(real.MetaHash, args)
		for _, f := range real.Funcs {
			counts := make([]uint32, len(f.Counts))
			for i := range counts {
				counts[i] = others
			}
			counts[0] = first
			w.Func(f.Package, f.Func, counts)
		}
		name := fmt.Sprintf("covcounters.%v.%d.%d", real.MetaHash, pid, nanos)
		if err := os.WriteFile(filepath.Join(dir, name), w.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	args := covdata.Args([]string{"prog", "x"}, "windows", "amd64")
	c := New(Config{Dir: dir})
	write(7, 100, nil, 1, 0)
	write(8, 110, nil, 1, 0)
	if _, err := c.Fold(); err != nil {
		t.Fatal(err)
	}
	snapshot := c.Clone()
	write(7, 120, nil, 2, 0)
	write(7, 130, args, 4, 1)
	write(7, 140, args, 8, 1) // the number came around
	if err := c.Finish(); err != nil {
		t.Fatal(err)
	}
	r := c.Result()
	var got []string
	for _, m := range r.Children {
		got = append(got, fmt.Sprintf("pid %d %q %s, %d blocks, until %d", m.PID, m.Argv, m.Collected, m.BlocksCovered, m.End.UnixNano()))
	}
	firsts, blocks := 0, 0
	for _, f := range real.Funcs {
		firsts++
		blocks += len(f.Counts)
	}
	want := []string{
		fmt.Sprintf(`pid 8 [] flush, %d blocks, until 110`, firsts),
		fmt.Sprintf(`pid 7 ["prog" "x"] stock, %d blocks, until 130`, blocks),
		fmt.Sprintf(`pid 7 ["prog" "x"] stock, %d blocks, until 140`, blocks),
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("children\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, f := range real.Funcs {
		for i, n := range r.Packages[f.Package].Func(int(f.Func)) {
			want := uint64(2)
			if i == 0 {
				want = 1 + 1 + 2 + 4 + 8
			}
			if n != want {
				t.Errorf("function %d, block %d: %d, want %d", f.Func, i, n, want)
			}
		}
	}
	if r.Binaries[0].Processes != 3 || len(r.LeftOut)+len(r.Trouble) != 0 {
		t.Errorf("%d processes, left out %v, trouble %v", r.Binaries[0].Processes, r.LeftOut, r.Trouble)
	}
	if n := len(snapshot.Result().Children); n != 2 {
		t.Errorf("the copy has %d children, want 2", n)
	}
}
