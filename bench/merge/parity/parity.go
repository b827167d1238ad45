// Package parity compares covwrap's merger with Bazel's own, on generated and
// on real tracefiles. Where the two are meant to differ, a case of
// TestDifferences says so with both results; docs/merge.md explains each.
//
// The comparison needs Bazel's merger:
//
//	COVWRAP_BAZEL_MERGER=$(bench/merge/bazel-merger DIR) go test ./bench/merge/parity
package parity
