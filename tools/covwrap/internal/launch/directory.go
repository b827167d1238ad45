package launch

import (
	"os"
	"path/filepath"
)

// MakeProfile makes the profile directory inside parent, or if others could
// not reach it there although they will run below us (we are root and may start
// a process that gives up its rights) in the system's temporary folder.
//
// Its name begins with a dot, so that a test that empties its temporary folder
// ("rm -rf $TEST_TMPDIR/*") does not take the counters of its children along.
func MakeProfile(parent string) (string, error) {
	parent, err := filepath.Abs(parent)
	if err != nil {
		return "", err
	}
	if os.Geteuid() == 0 && !reachable(parent) && reachable(os.TempDir()) {
		parent = os.TempDir()
	}
	dir, err := os.MkdirTemp(parent, ".covwrap.")
	if err != nil {
		return "", err
	}
	if err := os.Mkdir(filepath.Join(dir, "discard"), 0o777); err != nil {
		return "", err
	}
	if err := os.Chmod(filepath.Join(dir, "discard"), 0o777|os.ModeSticky); err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o777|os.ModeSticky)
}

// reopen gives us back the rights in our folder that the test took from us.
// Without them what is in it can neither be read nor, in the end, removed; root
// has them always. It is called when nothing of the test runs any more.
func reopen(dir string) {
	// Not through a link, which would lead to a folder of somebody else's.
	if info, err := os.Lstat(dir); err == nil && info.IsDir() && info.Mode().Perm()&0o700 != 0o700 {
		os.Chmod(dir, info.Mode()|0o700)
	}
}

// reachable reports whether every user may pass through all folders above and
// including dir.
func reachable(dir string) bool {
	for {
		info, err := os.Stat(dir)
		if err != nil || info.Mode().Perm()&0o001 == 0 {
			return false
		}
		up := filepath.Dir(dir)
		if up == dir {
			return true
		}
		dir = up
	}
}
