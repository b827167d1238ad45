package goblocks

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/covwrap/covwrap/tools/covwrap/internal/collect"
	"github.com/covwrap/covwrap/tools/covwrap/internal/profdir"
	"github.com/covwrap/covwrap/tools/covwrap/internal/profiles"
)

// MergeDirs adds up folders in GOCOVERDIR format into out, which is made and
// must be empty: one sum per binary. The folders are moved from, so that they
// are of no use afterwards; they must lie together, beside each other.
func MergeDirs(out string, dirs []string) error {
	if entries, err := os.ReadDir(out); err == nil && len(entries) > 0 {
		return fmt.Errorf("%s is not empty: its profiles would be taken for this run's; name a new folder", out)
	}
	if len(dirs) == 0 {
		return errors.New("there are no Go profiles to merge")
	}
	together, err := os.MkdirTemp(filepath.Dir(dirs[0]), "")
	if err != nil {
		return err
	}
	for i, dir := range dirs {
		if err := moveIn(together, dir, i); err != nil {
			return err
		}
	}
	collector := collect.New(collect.Config{Dir: together, Profiles: profiles.New(out, 0, 0)})
	if err := collector.Finish(); err != nil {
		return err
	}
	for _, t := range collector.Result().Trouble {
		return fmt.Errorf("%s [%s]", t.Text, t.Slug)
	}
	return os.MkdirAll(out, 0o777)
}

// moveIn moves the files of the i-th folder; counter files get names that do
// not collide.
func moveIn(together, dir string, i int) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil // nothing was kept
	}
	if err != nil {
		return err
	}
	for n, entry := range entries {
		name := entry.Name()
		if kind := profdir.Parse(name); kind.Kind == profdir.Counters {
			name = fmt.Sprintf("covcounters.%v.%d.%d", kind.Hash, i+1, n+1)
		}
		if err := os.Rename(filepath.Join(dir, entry.Name()), filepath.Join(together, name)); err != nil {
			return err
		}
	}
	return nil
}
