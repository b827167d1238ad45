package cover

import "bytes"

// sandbox is the folder that compilers in a sandbox are told to write instead
// of their own so that names become relative. No consumer knows it.
const sandbox = "/proc/self/cwd/"

// SourceName returns the name of a source file as all outputs spell it, or
// false if it is no such name: it is empty, or could not stand in a line.
func SourceName(name []byte) ([]byte, bool) {
	name = bytes.TrimPrefix(name, []byte(sandbox))
	for bytes.HasPrefix(name, []byte("./")) {
		name = name[2:]
	}
	return name, len(name) > 0 && !bytes.ContainsAny(name, "\x00\r\n")
}

// FuncName returns the name of a function, or of a branch, as all outputs
// spell it. Bazel's parser and lcov 1.16 split lines at every comma, and then
// refuse the line or take f(int, char) and f(int, long) for one function, so
// that commas become semicolons. buf is scratch space, which the result may
// lie in.
func FuncName(buf, name []byte) []byte {
	if bytes.IndexByte(name, ',') < 0 && !bytes.ContainsAny(name, "\r\n") {
		return name
	}
	buf = append(buf[:0], name...)
	for i, c := range buf {
		switch c {
		case ',':
			buf[i] = ';'
		case '\r', '\n':
			buf[i] = ' '
		}
	}
	return buf
}
