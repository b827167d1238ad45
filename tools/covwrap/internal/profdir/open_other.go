//go:build !unix

package profdir

import "os"

// open opens a file for reading. Systems without O_NOFOLLOW check first; the
// folder has no other users there.
func open(path string) (*os.File, error) {
	if err := Check(path, 1<<62); err != nil {
		return nil, err
	}
	return os.Open(path)
}
