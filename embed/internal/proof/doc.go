// Package proof has no code but tests: programs of every kind, made by the go
// command with each carrier of the runtime, end in every way, and their counter
// maps must be exact. It needs the go command, and so runs by `go test` and not
// under Bazel, where e2e does the same with rules_go.
package proof
