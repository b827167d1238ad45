package profdir

import "syscall"

// What statfs says of a file system (linux/magic.h).
const (
	ext4Magic  = 0xef53
	xfsMagic   = 0x58465342
	tmpfsMagic = 0x01021994
	btrfsMagic = 0x9123683e
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
	fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer syscall.Close(fd)
	var fs syscall.Statfs_t
	if syscall.Fstatfs(fd, &fs) != nil {
		return false
	}
	switch int64(fs.Type) {
	case ext4Magic, xfsMagic, tmpfsMagic, btrfsMagic:
	default:
		return false
	}
	// Closing the file ends the lease.
	_, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_SETLEASE, syscall.F_RDLCK)
	return errno == 0
}
