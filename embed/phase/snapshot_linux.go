package phase

import (
	"errors"
	"os"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"github.com/covwrap/covwrap/embed/internal/rt"
)

// lock takes the directory's lock: marks that overlap would be told apart by
// nothing. It waits for it, until some time unless that is zero.
func lock(name string, until time.Time) (unlock func(), err error) {
	// First as it is: a kernel with fs.protected_regular does not let O_CREATE
	// open what another user has made.
	f, err := os.OpenFile(name, os.O_RDWR|syscall.O_NOFOLLOW, 0)
	if os.IsNotExist(err) {
		f, err = os.OpenFile(name, os.O_CREATE|os.O_RDWR|syscall.O_NOFOLLOW, 0o666)
	}
	if err != nil {
		return nil, err
	}
	f.Chmod(0o666) // for processes of other users; fails if another user made it
	how := syscall.LOCK_EX
	if !until.IsZero() {
		how |= syscall.LOCK_NB
	}
	for {
		err = syscall.Flock(int(f.Fd()), how)
		if err == syscall.EWOULDBLOCK && time.Now().Before(until) {
			time.Sleep(time.Millisecond) // flock has no time-out of its own
			continue
		}
		if err != syscall.EINTR {
			break
		}
	}
	if err == syscall.EWOULDBLOCK {
		f.Close()
		return nil, ErrBusy
	}
	if err != nil {
		f.Close()
		return nil, &os.PathError{Op: "flock", Path: name, Err: err}
	}
	return func() { f.Close() }, nil
}

// setPanicOnFault is runtime/debug.SetPanicOnFault without package
// runtime/debug, which would bring package fmt along.
//
//go:linkname setPanicOnFault runtime/debug.setPanicOnFault
func setPanicOnFault(bool) bool

// snapshot copies the counters of the map, or takes them out of it. suffix is
// the end of the new file's name.
func snapshot(dir, name, suffix string) (err error) {
	file := dir + "/" + name
	// A process can make its map shorter while it is mapped here. That would
	// end this process, which may be a program under test, with SIGBUS.
	defer setPanicOnFault(setPanicOnFault(true))
	defer func() {
		if recover() != nil {
			err = join(file, errors.New("the counter map was cut while it was read"))
		}
	}()
	data, err := mapFile(file, false)
	if err != nil {
		return err
	}
	defer func() { syscall.Munmap(data) }()
	h, err := header(file, data)
	if err != nil || h == nil {
		return err
	}
	aggregate := h.Flags&rt.FlagAggregate != 0
	if !aggregate && !lives(h) {
		return nil
	}
	prefix, set := SnapPrefix, mode(h, data) == modeSet
	if aggregate || set && h.Flags&rt.FlagWhole != 0 {
		prefix = PartPrefix
		syscall.Munmap(data)
		if data, err = mapFile(file, true); err != nil {
			data = nil
			return err
		}
		if h, err = header(file, data); err != nil || h == nil {
			return err
		}
	}
	from := words(data, h)
	// The name is final from the start: taken counters must be found there
	// even if this process ends now.
	to, err := create(dir+"/"+prefix+suffix, len(from))
	if err != nil {
		return err
	}
	defer syscall.Munmap(to)
	dest := unsafe.Slice((*uint32)(unsafe.Pointer(&to[0])), len(from))
	if prefix == SnapPrefix {
		for i := range from {
			dest[i] = atomic.LoadUint32(&from[i])
		}
		return nil
	}
	take(dest, from, set)
	return nil
}

// take moves the counters, function by function, and leaves the three words
// before them: number of counters, package, function. They are written when a
// function is entered, and a function that is running now would not write them
// again. A function whose words are not all there yet keeps its counters for
// the phase that begins.
//
// Counters that say yes or no (set) are set to zero, those that count lose what
// was read. If this process is ended between the two steps, one is there twice;
// never is one lost.
func take(to, from []uint32, set bool) {
	for i := 0; i < len(from); {
		n := int(atomic.LoadUint32(&from[i]))
		if n == 0 || i+3+n > len(from) {
			i++
			continue
		}
		if atomic.LoadUint32(&from[i+1]) != 0 {
			for j := i + 3; j < i+3+n; j++ {
				c := atomic.LoadUint32(&from[j])
				switch {
				case c == 0:
				case set:
					to[j] = 1
					atomic.SwapUint32(&from[j], 0)
				default:
					to[j] = c
					atomic.AddUint32(&from[j], -c)
				}
			}
		}
		i += 3 + n
	}
}

const modeSet = 1

// mode returns the counter mode that the package table tells, 0 if there is
// none or nothing registered yet.
func mode(h *rt.Header, data []byte) byte {
	if h.Flags&rt.FlagTable == 0 {
		return 0
	}
	for i := uint64(0); i < h.TableCap; i++ {
		at := h.TableOff + i*uint64(h.EntrySize)
		end := at + uint64(h.EntrySize)
		if end < at || end > uint64(len(data)) || uint64(h.EntryMode) >= uint64(h.EntrySize) {
			return 0
		}
		// Packages without counters of their own (modes above atomic) do
		// not tell.
		if m := data[at+uint64(h.EntryMode)]; m == modeSet || m == 2 || m == 3 {
			return m
		}
	}
	return 0
}

// header checks the parts of the map that are used here. It returns nil
// without error for a map that is not ready: its process has hardly begun.
func header(file string, data []byte) (*rt.Header, error) {
	if uint64(len(data)) < uint64(unsafe.Sizeof(rt.Header{})) {
		return nil, nil
	}
	h := (*rt.Header)(unsafe.Pointer(&data[0]))
	switch {
	case string(h.Magic[:]) != rt.Magic:
		return nil, nil
	case h.Order != rt.ByteOrder || h.Version != rt.HeaderVersion:
		return nil, join(file, errors.New("counter map of version "+strconv.Itoa(int(h.Version))+"; this program knows version "+strconv.Itoa(rt.HeaderVersion)))
	case h.State != rt.StateLive:
		return nil, nil
	}
	if end := h.CountersOff + 4*h.Words; h.CountersOff%4 != 0 || h.Words > uint64(len(data)) || end < h.CountersOff || end > uint64(len(data)) || h.Words == 0 {
		return nil, join(file, errors.New("not a usable counter map: its counters are not inside of it"))
	}
	return h, nil
}

// words returns the mapped counters.
func words(data []byte, h *rt.Header) []uint32 {
	return unsafe.Slice((*uint32)(unsafe.Pointer(&data[h.CountersOff])), h.Words)
}

// lives reports whether the map's process still runs. If that cannot be seen
// (another pid namespace), a snapshot of a process that has ended is harmless:
// its last phase is then empty.
func lives(h *rt.Header) bool {
	var st syscall.Stat_t
	if syscall.Stat("/proc/self/ns/pid", &st) != nil || st.Ino != h.PIDNS {
		return true
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(int(h.PID)) + "/stat")
	if err != nil {
		return !os.IsNotExist(err)
	}
	// After the program's name, in parentheses, which may contain anything: the
	// state, and 19 words later the start time.
	i := len(stat) - 1
	for i >= 0 && stat[i] != ')' {
		i--
	}
	field, word := 0, ""
	for _, c := range append(stat[i+1:], ' ') {
		if c != ' ' && c != '\n' {
			word += string(rune(c))
			continue
		}
		if word == "" {
			continue
		}
		switch field++; {
		case field == 1 && (word == "Z" || word == "X"):
			return false
		case field == 20:
			return word == strconv.FormatUint(h.Ticks, 10)
		}
		word = ""
	}
	return true
}

// maxMap bounds what is mapped of a file that anybody may have written.
const maxMap = 1 << 32

// mapFile maps a counter map, with writable so that stores reach the process.
func mapFile(name string, writable bool) ([]byte, error) {
	flag, prot := os.O_RDONLY, syscall.PROT_READ
	if writable {
		flag, prot = os.O_RDWR, syscall.PROT_READ|syscall.PROT_WRITE
	}
	f, err := os.OpenFile(name, flag|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !fi.Mode().IsRegular() || fi.Size() > maxMap {
		return nil, join(name, errors.New("not a counter map: no regular file, or far too large"))
	}
	if fi.Size() == 0 {
		return nil, nil
	}
	data, err := syscall.Mmap(int(f.Fd()), 0, int(fi.Size()), prot, syscall.MAP_SHARED)
	if err != nil {
		return nil, &os.PathError{Op: "mmap", Path: name, Err: err}
	}
	return data, nil
}

// create makes a file of n zero words and maps it. Its blocks are allocated
// first: on a full disk a store into a page without one would end this
// process with SIGBUS.
func create(name string, n int) ([]byte, error) {
	if err := fits(int64(4 * n)); err != nil {
		return nil, join(name, err)
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o666)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	f.Chmod(0o666)
	err = syscall.Fallocate(int(f.Fd()), 0, 0, int64(4*n))
	if err == syscall.EOPNOTSUPP || err == syscall.ENOSYS {
		_, err = f.Write(make([]byte, 4*n))
	}
	if err != nil {
		os.Remove(name)
		return nil, join(name, err)
	}
	data, err := syscall.Mmap(int(f.Fd()), 0, 4*n, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		os.Remove(name)
		return nil, &os.PathError{Op: "mmap", Path: name, Err: err}
	}
	return data, nil
}

// fits reports whether this process may make a file of that size. To try would
// raise SIGXFSZ, which ends a Go program.
func fits(size int64) error {
	const fsize = 1 // RLIMIT_FSIZE, which package syscall does not name
	var lim syscall.Rlimit
	if syscall.Getrlimit(fsize, &lim) == nil && uint64(size) > lim.Cur {
		return errors.New("the file size limit of this process (ulimit -f) is " + strconv.FormatUint(lim.Cur, 10) + " bytes, " + strconv.FormatInt(size, 10) + " are needed")
	}
	return nil
}
