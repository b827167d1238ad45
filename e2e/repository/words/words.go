// Package words is covered by its own test process.
package words

// Twice says a word twice, or "nothing".
func Twice(word string) string {
	if word == "" {
		return "nothing"
	}
	return word + word
}
