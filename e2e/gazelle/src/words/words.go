// Package words makes words.
package words

// Hello is a word.
func Hello() string { return "hello" }
