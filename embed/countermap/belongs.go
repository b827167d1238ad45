package countermap

import (
	"bytes"
	"debug/elf"
	"fmt"
)

// MetaBelongs reports whether a covmeta file was written by the executable
// that the map names: every package blob of it is found in the executable's
// read-only data. It serves maps without a package table (flag Table), whose
// process could not tell its hash.
func (m *Map) MetaBelongs(covmeta []byte) (bool, error) {
	blobs, err := splitMeta(covmeta)
	if err != nil {
		return false, fmt.Errorf("not a covmeta file: %w", err)
	}
	x, err := m.executable()
	if err != nil {
		return false, fmt.Errorf("%s: %w", m.Path, err)
	}
	defer x.close()
	for _, p := range x.load {
		if p.Flags&elf.PF_W != 0 || p.Filesz == 0 {
			continue
		}
		data, err := x.readFull(p.Off, p.Filesz)
		if err != nil {
			return false, fmt.Errorf("%s: %w", x.path, err)
		}
		missing := blobs[:0]
		for _, b := range blobs {
			if !bytes.Contains(data, b) {
				missing = append(missing, b)
			}
		}
		blobs = missing
	}
	return len(blobs) == 0, nil
}
