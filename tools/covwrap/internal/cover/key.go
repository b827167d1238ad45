package cover

import "strings"

// KeySeparator stands between source file and test in the names of files that
// are kept apart by test. SourceName allows it in no path.
const KeySeparator = 0

// SplitName splits the name of a file that may be kept apart by test.
func SplitName(name string) (source, test string) {
	source, test, _ = strings.Cut(name, string(rune(KeySeparator)))
	return source, test
}

// JoinName is the reverse of SplitName.
func JoinName(source, test string) string {
	if test == "" {
		return source
	}
	return source + string(rune(KeySeparator)) + test
}
