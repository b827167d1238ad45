//go:build !linux

package countermap

const openExeFlags = 0

func (m *Map) exePaths() []string { return []string{m.Exe} }
