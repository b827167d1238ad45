package profdir

import (
	"golang.org/x/sys/unix"
)

// Unused reports whether no process has the file open for writing or mapped
// for it any more, whatever pid namespace the process is in. False also means
// that it cannot be told here.
//
// The kernel grants a read lease only on a file that nobody has open for
// writing, and a shared writable mapping counts as that. File systems that are
// a layer over another keep the mapping in the lower one and would grant it
// wrongly, so only those are asked that are known not to.
func Unused(path string) bool {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	var fs unix.Statfs_t
	if unix.Fstatfs(fd, &fs) != nil {
		return false
	}
	switch int64(fs.Type) {
	case unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.TMPFS_MAGIC, unix.BTRFS_SUPER_MAGIC:
	default:
		return false
	}
	// Closing the file ends the lease.
	_, err = unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, unix.F_RDLCK)
	return err == nil
}
