// Package parity compares covwrap's merger with Bazel's own, on generated and
// on real tracefiles. Where the two are meant to differ, a case of
// TestDifferences says so with both results; docs/merge.md explains each.
//
// The comparison needs Bazel's merger:
//
//	COVWRAP_BAZEL_MERGER=$(bench/merge/bazel-merger DIR) go test ./bench/merge/parity
//
// The other direction is whether lcov and genhtml, 1 and 2, read what covwrap
// writes, and add tracefiles to the same sums:
//
//	COVWRAP_LCOV=$(bench/merge/lcov DIR | paste -sd:) go test -run Lcov ./bench/merge/parity
package parity
