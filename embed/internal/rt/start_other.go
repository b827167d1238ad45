//go:build !linux || !(amd64 || arm64 || loong64 || ppc64le || riscv64)

package rt

// DirVariable names the environment variable with the profile directory.
const DirVariable = "COVWRAP_DIR"

// Start reports false: there are no counter maps on this platform, and Go's
// own files are written instead (see package embed).
func Start(*MetaList) bool { return false }

// WriteOnce is not reached without a map.
func WriteOnce(name string, size int, content func() []byte) {}
