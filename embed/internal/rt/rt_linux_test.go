//go:build amd64 || arm64 || loong64 || ppc64le || riscv64

package rt

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"hash/fnv"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"
)

// TestUncovered: in a program that was not built for coverage, such as this
// test, nothing happens.
func TestUncovered(t *testing.T) {
	if testing.CoverMode() != "" {
		t.Skip("this test was built for coverage")
	}
	dir := t.TempDir()
	t.Setenv(DirVariable, dir)
	if Start(nil) || Mapped() || Whole() || Dir() != "" || Counters() != nil || Unmapped() != "" || NoFiles() {
		t.Error("a program without counters has a map")
	}
	Flush()
	Exiting(true)
	if Ready() != "" {
		t.Error("and meta-data")
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("and left %v, %v", entries, err)
	}
}

func TestReadStat(t *testing.T) {
	path := filepath.Join(t.TempDir(), "stat")
	fields := make([]string, 52)
	for i := range fields {
		fields[i] = strconv.Itoa(1000 + i + 1)
	}
	for _, name := range []string{"x", "a b", ") R 1 2", "(((", ""} {
		fields[0], fields[1], fields[2] = "7", "("+name+")", "R"
		if err := os.WriteFile(path, []byte(strings.Join(fields, " ")+"\n"), 0o666); err != nil {
			t.Fatal(err)
		}
		if got, want := readStat(path), (self{ppid: 1004, ticks: 1022, brk: 1047}); got != want {
			t.Errorf("name %q: %+v, want %+v", name, got, want)
		}
	}
	for _, text := range []string{"", "7 (x", "7 (x)", "7 (x) "} {
		os.WriteFile(path, []byte(text), 0o666)
		if got := readStat(path); got != (self{}) {
			t.Errorf("%q: %+v", text, got)
		}
	}
	if got := readSelf(); got.ppid != os.Getppid() || got.ticks == 0 {
		t.Errorf("self: %+v", got)
	}
}

func TestEnviron(t *testing.T) {
	path := filepath.Join(t.TempDir(), "environ")
	for _, test := range []struct {
		text, value string
		ok          bool
	}{
		{"", "", false},
		{"A=1\x00COVWRAP_DIR=/x\x00B=2\x00", "/x", true},
		{"COVWRAP_DIR=/x", "/x", true},
		{"COVWRAP_DIR=\x00", "", true},
		{"XCOVWRAP_DIR=/x\x00", "", false},
		{"COVWRAP_DIRX=/x\x00COVWRAP_DIR=/y\x00", "/y", true},
		{"\x00\x00COVWRAP_DIR=/x=y\x00", "/x=y", true},
		{strings.Repeat("LONG=12345678901234567890\x00", 50000) + "COVWRAP_DIR=/x\x00", "/x", true},
	} {
		if err := os.WriteFile(path, []byte(test.text), 0o666); err != nil {
			t.Fatal(err)
		}
		if value, ok := environ(path, DirVariable+"="); value != test.value || ok != test.ok {
			t.Errorf("%.60q: %q, %v; want %q, %v", test.text, value, ok, test.value, test.ok)
		}
	}
}

func TestProfileDir(t *testing.T) {
	t.Setenv(DirVariable, "/here")
	if got := profileDir(os.Getppid()); got != "/here" {
		t.Errorf("from the environment: %q", got)
	}
	for _, relative := range []string{"", "here", "./x"} {
		os.Setenv(DirVariable, relative)
		if got := profileDir(os.Getppid()); got != "" {
			t.Errorf("%q: %q", relative, got)
		}
	}
	// From an ancestor: the parent, a shell that waits for its input, has it.
	os.Unsetenv(DirVariable)
	cmd := exec.Command("/bin/sh", "-c", "echo; read x")
	cmd.Env = []string{DirVariable + "=/there"}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer stdin.Close()
	// Start returns when exec closes the descriptors, which is before the kernel
	// has set up the new environment: only a process that runs has one to read.
	if _, err := io.ReadFull(stdout, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if got := profileDir(cmd.Process.Pid); got != "/there" && !parentHas(t) {
		t.Errorf("from an ancestor: %q", got)
	}
}

// parentHas reports that this test itself runs below a launcher.
func parentHas(t *testing.T) bool {
	_, ok := environ("/proc/"+strconv.Itoa(os.Getppid())+"/environ", DirVariable+"=")
	return ok
}

func TestWriteAll(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "f"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var want []byte
	var v []iovec
	pieces := make([][]byte, 3000) // more than one writev takes
	for i := range pieces {
		pieces[i] = make([]byte, i%7)
		rand.Read(pieces[i])
		want = append(want, pieces[i]...)
		if len(pieces[i]) == 0 {
			v = append(v, iovec{})
			continue
		}
		v = append(v, iovec{uintptr(unsafe.Pointer(&pieces[i][0])), uintptr(len(pieces[i]))})
	}
	if err := writeAll(int(f.Fd()), v); err != 0 {
		t.Fatal(err)
	}
	got, err := os.ReadFile(f.Name())
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%v; %d bytes, want %d", err, len(got), len(want))
	}
	if err := writeAll(-1, []iovec{{uintptr(unsafe.Pointer(&want[0])), 1}}); err != syscall.EBADF {
		t.Errorf("no descriptor: %v", err)
	}
}

func TestFnv(t *testing.T) {
	for n := range 300 {
		b := make([]byte, n)
		rand.Read(b)
		std := fnv.New128a()
		std.Write(b)
		ours := newFnv128a()
		ours.write(b[:n/2])
		ours.write(b[n/2:])
		if sum := ours.sum(); !bytes.Equal(sum[:], std.Sum(nil)) {
			t.Fatalf("%x: %x, want %x", b, sum, std.Sum(nil))
		}
	}
}

func TestText(t *testing.T) {
	for _, v := range []uint64{0, 9, 10, 12345, math.MaxUint64} {
		if got := utoa(v); got != strconv.FormatUint(v, 10) {
			t.Errorf("utoa(%d) = %s", v, got)
		}
		if got := parseUint([]byte(utoa(v) + " 1")); got != v {
			t.Errorf("parseUint(%d) = %d", v, got)
		}
	}
	b := []byte{0, 0x1f, 0xff}
	if got := string(appendHex(nil, b)); got != fmt.Sprintf("%x", b) {
		t.Errorf("appendHex: %s", got)
	}
}

// TestSegmentEnd looks this test's own variables up.
func TestSegmentEnd(t *testing.T) {
	m := mapper{page: 4096}
	m.readAuxv()
	if m.phdr == 0 || m.phnum == 0 {
		t.Fatal("no program headers")
	}
	at := padStart()
	if end := m.segmentEnd(at); end < at+padLen {
		t.Errorf("the segment with %#x ends at %#x", at, end)
	}
	if end := m.segmentEnd(1); end != 0 {
		t.Errorf("the first page is in a segment that ends at %#x", end)
	}
}

// TestEdges: which words may be mapped, for all places of a region on its pages.
func TestEdges(t *testing.T) {
	const page = 4096
	base := padStart()&^(page-1) + 100*page // far from the pad's end: no neighbour
	for _, test := range []struct {
		off, words uintptr // of the region in its first page
		head, tail uintptr
	}{
		{0, 1024, 0, 0},
		{0, 2048, 0, 0},
		{0, 1025, 0, 1},
		{4, 1023, 1023, 0},
		{4092, 1025, 1, 0},
		{4092, 1026, 1, 1},
		{100, 10, 10, 0},    // all on one page that is not ours
		{0, 10, 0, 10},      // the same, at its beginning
		{4000, 100, 24, 76}, // two pages, neither ours
	} {
		m := mapper{page: page, region: base + test.off, words: int(test.words)}
		m.self.brk = 0
		m.findEdges()
		if m.padOK || m.head != test.head || m.tail != test.tail {
			t.Errorf("%d words at %d: %d and %d at the edges, want %d and %d", test.words, test.off, m.head, m.tail, test.head, test.tail)
		}
	}
	// The pad lies directly before, as far as alignment allows.
	end := padStart() + padLen
	m := mapper{page: page, region: end, words: 10}
	m.findEdges()
	if !m.padOK || m.head != 0 {
		t.Errorf("behind the pad: %+v", m)
	}
	m = mapper{page: page, region: end + maxGap, words: 10}
	m.findEdges()
	if m.padOK {
		t.Error("something may lie between the pad and the region")
	}
}

func TestTableRoom(t *testing.T) {
	for _, test := range [][3]int{{0, 4, 2}, {0, 100, 26}, {5, 4, 6}, {10, 160000, 569}, {900, 160000, 901}} {
		if got := tableRoom(test[0], test[1]); got != test[2] {
			t.Errorf("tableRoom(%d, %d) = %d, want %d", test[0], test[1], got, test[2])
		}
	}
}

// TestNote: a FIFO or a link in the place of the log stops nobody and is not
// followed.
func TestNote(t *testing.T) {
	dir := t.TempDir()
	victim := filepath.Join(dir, "victim")
	if err := os.WriteFile(victim, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, plant := range []func(string) error{
		func(path string) error { return syscall.Mkfifo(path, 0o666) },
		func(path string) error { return os.Symlink(victim, path) },
		func(path string) error { return os.Mkdir(path, 0o777) },
	} {
		path := filepath.Join(dir, "covwrap.log")
		if err := plant(path); err != nil {
			t.Fatal(err)
		}
		if appendFile(path, []byte("new")) {
			t.Error("a note went into a file that is none")
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	if text, err := os.ReadFile(victim); err != nil || string(text) != "old" {
		t.Errorf("the victim has %q, %v", text, err)
	}
	noteIn(dir, 5, "map-failed", syscall.EIO)
	pid := os.Getpid()
	text, err := os.ReadFile(fmt.Sprintf("%s/covnote.%d.5.map-failed", dir, pid))
	prefix := fmt.Sprintf("covwrap: map-failed: pid %d %s", pid, os.Args[0])
	if err != nil || !strings.HasPrefix(string(text), prefix) || !strings.HasSuffix(string(text), ": input/output error\n") {
		t.Errorf("note %q, %v; want %q...", text, err, prefix)
	}
	log, err := os.ReadFile(filepath.Join(dir, "covwrap.log"))
	if err != nil || !bytes.Equal(log, text) {
		t.Errorf("log %q, %v", log, err)
	}
}
