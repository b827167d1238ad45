package profdir

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestHostile opens what a process may have put in the place of a file. The
// read end of the pipe would wait for ever, the link would lead elsewhere, the
// sparse file would fill the memory.
func TestHostile(t *testing.T) {
	dir := t.TempDir()
	at := func(n string) string { return filepath.Join(dir, n) }
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.WriteFile(at("good"), []byte("content"), 0o666))
	must(os.Symlink("good", at("link")))
	must(os.Symlink("/dev/zero", at("zero")))
	must(os.Mkdir(at("folder"), 0o777))
	must(syscall.Mkfifo(at("pipe"), 0o666))
	l, err := net.Listen("unix", at("socket"))
	must(err)
	defer l.Close()
	must(os.WriteFile(at("sparse"), nil, 0o666))
	must(os.Truncate(at("sparse"), 1<<40))

	data, err := Read(dir, "good", 7)
	if string(data) != "content" || err != nil {
		t.Errorf("a regular file: %q, %v", data, err)
	}
	for name, want := range map[string]string{
		"good":   "/good: 7 bytes are more than the 6 that such a file can have",
		"link":   "/link: not a regular file but a symbolic link",
		"zero":   "/zero: not a regular file but a symbolic link",
		"folder": "/folder: not a regular file but a folder",
		"pipe":   "/pipe: not a regular file but a pipe",
		"socket": "/socket: not a regular file but a socket",
		"sparse": "/sparse: 1099511627776 bytes are more than the 6 that such a file can have",
		"none":   "",
	} {
		err := Check(at(name), 6)
		if want == "" {
			if !os.IsNotExist(err) {
				t.Errorf("%s: Check: %v", name, err)
			}
		} else if err == nil || err.Error() != dir+want {
			t.Errorf("%s: Check: %v\nwant %s%s", name, err, dir, want)
		}
		data, err := Read(dir, name, 6)
		if err == nil || data != nil {
			t.Errorf("%s: Read: %q, %v", name, data, err)
		}
		if e, ok := err.(*os.PathError); name == "link" && (!ok || e.Err != syscall.ELOOP) {
			t.Errorf("link: %v, want %v: the link may have been put there after the check", fmt.Sprint(err), syscall.ELOOP)
		}
	}
}

// TestReadNote: a note is a small file, or a link that leads nowhere.
func TestReadNote(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte("no space left\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "long"), make([]byte, 5000), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("file size limit 0", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o666); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"file": "no space left", "link": "file size limit 0", "long": "", "pipe": "", "none": ""} {
		if got := ReadNote(dir, name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
