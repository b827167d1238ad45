"""What `bazel coverage` sets, for analysis tests."""

visibility("private")

COVERAGE = {
    "//command_line_option:collect_code_coverage": True,
    # Outside `bazel coverage` these are Bazel's own, which it would download.
    "//command_line_option:coverage_output_generator": str(Label("//tools/covwrap:lcov_merger")),
    "//command_line_option:coverage_report_generator": str(Label("//tools/covwrap:report_generator")),
}
