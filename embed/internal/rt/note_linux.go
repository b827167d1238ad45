//go:build amd64 || arm64 || loong64 || ppc64le || riscv64

package rt

import "syscall"

// note leaves word of a failure in the profile directory, as a file whose name
// says what failed, and as a line of covwrap.log. The file comes first, and
// empty if need be: a process whose file size limit is 0 can make a file, but
// a single written byte ends it with SIGXFSZ.
func (m *mapper) note(why string, err syscall.Errno) {
	noteIn(m.dir, m.start, why, err)
}

func noteIn(dir string, at int64, why string, err syscall.Errno) {
	pid := utoa(uint64(syscall.Getpid()))
	line := "covwrap: " + why + ": pid " + pid
	for _, a := range runtimeArgs() {
		line += " " + a
		if len(line) > 1000 {
			line = line[:1000] + "..."
			break
		}
	}
	if err != 0 {
		line += ": " + err.Error()
	}
	text := []byte(line)
	for i, c := range text {
		if c < ' ' {
			text[i] = ' '
		}
	}
	text = append(text, '\n')
	if name := dir + "/covnote." + pid + "." + utoa(uint64(at)) + "." + why; !appendFile(name, text) {
		// A link takes no descriptor, which the process may not have. Its name
		// tells all; what it points to is for people.
		syscall.Symlink("covwrap: "+why, name)
	}
	appendFile(dir+"/covwrap.log", text)
}

// appendFile appends text by one write, if the limits allow it, and reports
// whether the file is there. What another process of the test may have put in
// its place is left alone: a link into somebody's file, or a FIFO, on which an
// open without O_NONBLOCK would wait for ever.
func appendFile(path string, text []byte) bool {
	fd, err := open(path, syscall.O_WRONLY|syscall.O_CREAT|syscall.O_APPEND|syscall.O_NOFOLLOW|syscall.O_NONBLOCK)
	if err != 0 {
		return false
	}
	defer closeFd(fd)
	var s syscall.Stat_t
	if syscall.Fstat(fd, &s) != nil || s.Mode&syscall.S_IFMT != syscall.S_IFREG {
		return false
	}
	if s.Mode&0o777 != 0o666 {
		syscall.Fchmod(fd, 0o666)
	}
	if uint64(s.Size)+uint64(len(text)) <= fileSizeLimit() {
		syscall.Write(fd, text)
	}
	return true
}

// WriteOnce writes a file of the profile directory that is the same whichever
// process writes it: nothing is done when it exists, and it appears complete or
// not at all. size is that of content's result.
func WriteOnce(name string, size int, content func() []byte) {
	path := live.dir + "/" + name
	var s syscall.Stat_t
	if syscall.Stat(path, &s) == nil {
		return
	}
	at := now()
	if fileSizeLimit() < uint64(size) {
		noteIn(live.dir, at, "meta-file-size-limit", syscall.EFBIG)
		return
	}
	tmp := live.dir + "/tmp." + name + "." + utoa(uint64(syscall.Getpid())) + "." + utoa(uint64(at))
	err := writeFile(tmp, content())
	if err == 0 {
		err = errno(syscall.Rename(tmp, path))
	}
	if err != 0 {
		remove(tmp)
		noteIn(live.dir, at, "meta-not-written", err)
	}
}

func writeFile(path string, b []byte) syscall.Errno {
	fd, err := open(path, syscall.O_WRONLY|syscall.O_CREAT|syscall.O_EXCL)
	if err != 0 {
		return err
	}
	defer closeFd(fd)
	syscall.Fchmod(fd, 0o666)
	for len(b) > 0 {
		n, e := syscall.Write(fd, b)
		if err := errno(e); err == syscall.EINTR {
			continue
		} else if err != 0 {
			return err
		}
		b = b[n:]
	}
	return 0
}
