package proctree

import (
	"os"
	"strings"
	"testing"
)

func TestParseStat(t *testing.T) {
	zeros := func(n int) string { return strings.Repeat(" 0", n) }
	for in, want := range map[string]stat{
		"7 (sh) S 3" + zeros(17) + " 4242" + zeros(29) + " 9": {name: "sh", state: 'S', ppid: 3, ticks: 4242, exitCode: 9},
		"7 (a) (b) c) Z 3" + zeros(17) + " 4242":              {name: "a) (b) c", state: 'Z', ppid: 3, ticks: 4242},
	} {
		got, err := parseStat([]byte(in))
		if err != nil || got != want {
			t.Errorf("%q: %+v, %v, want %+v", in, got, err, want)
		}
	}
	for _, in := range []string{
		"", "7", "7 (sh", "7 (sh)", "7 (sh) S 3", "7 (sh) S 3" + zeros(16), "7 (sh) S x" + zeros(18), "7 (sh) S 3" + zeros(17) + " x",
		"7 (sh) S 3" + zeros(47) + " x", "7 (sh) SS 3" + zeros(18),
	} {
		if got, err := parseStat([]byte(in)); err == nil {
			t.Errorf("%q: %+v, want an error", in, got)
		}
	}
	self, err := readStat(os.Getpid())
	if err != nil || self.ppid != os.Getppid() || self.dead() || self.ticks == 0 {
		t.Errorf("our own state: %+v, %v", self, err)
	}
	if _, err := readStat(1 << 30); !os.IsNotExist(err) {
		t.Errorf("a process that cannot be: %v", err)
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add([]byte("7 (sh) S 3 1 1 0 -1 0 0 0 0 0 0 0 0 0 0 0 0 0 4242"))
	f.Fuzz(func(t *testing.T, data []byte) { parseStat(data) })
}
