package profdir

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestUnused: a file is in use while it is mapped, also when its descriptor is
// closed, and while it is open for writing.
func TestUnused(t *testing.T) {
	for _, dir := range []string{t.TempDir(), "/dev/shm"} {
		f, err := os.CreateTemp(dir, "unused")
		if err != nil {
			t.Skip(err)
		}
		path := f.Name()
		defer os.Remove(path)
		if err := f.Truncate(8192); err != nil {
			t.Fatal(err)
		}
		if Unused(path) {
			t.Errorf("%s: unused while it is open for writing", path)
		}
		m, err := syscall.Mmap(int(f.Fd()), 0, 8192, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
		if Unused(path) {
			t.Errorf("%s: unused while it is mapped", path)
		}
		if err := syscall.Munmap(m); err != nil {
			t.Fatal(err)
		}
		var fs syscall.Statfs_t
		if err := syscall.Statfs(path, &fs); err != nil {
			t.Fatal(err)
		}
		if !Unused(path) {
			t.Errorf("%s: in use, though nobody has it (file system %#x)", path, fs.Type)
		}
		if err := os.Symlink(path, filepath.Join(t.TempDir(), "link")); err != nil {
			t.Fatal(err)
		}
	}
	if Unused(filepath.Join(t.TempDir(), "none")) {
		t.Error("a file that is not there is unused")
	}
}
