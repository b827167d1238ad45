package countermap

import "errors"

// UnknownPackage is the package index of a function that ran before its
// package was registered.
const UnknownPackage = ^uint32(0)

var (
	// ErrUnfinished: the header was never completed; nothing was counted.
	ErrUnfinished = errors.New("the process ended before its counter map was complete")
	// ErrVersion: the file was made by another version of the runtime.
	ErrVersion = errors.New("made by another version of covwrap")
)

// FormatError is a file that is not, or is not completely, a counter map.
type FormatError struct {
	Path string
	What string // what was expected and what was found
}

func (e *FormatError) Error() string { return e.Path + ": not a usable counter map: " + e.What }
