//go:build !linux

package launch

// Publish does nothing: processes find the profile directory by their
// environment only.
func Publish(dir string) error { return nil }

// Staged returns "".
func Staged() string { return "" }
