// Package subject is what the rules' tests build.
package subject

// Answer is covered.
func Answer() int { return 42 }
