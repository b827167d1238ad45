// Package greet greets.
package greet

// Greet returns a greeting.
func Greet(name string) string {
	if name == "" {
		return "hello"
	}
	return "hello, " + name
}
