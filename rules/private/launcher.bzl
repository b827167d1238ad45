"""The launcher as a dependency: built for the platform that the test runs on, and never instrumented."""

visibility(["//rules/..."])

# A launcher with counters of its own would run slower and show up in its user's report, and one built with --race would
# need cgo, hence a C compiler, in a repository that may have none. Settings at their defaults already are left alone, so
# that the launcher shares its configuration, hence its standard library, with all other uncovered Go code.
_PLAIN = {
    "//command_line_option:collect_code_coverage": False,
    "@rules_go//go/config:msan": False,
    "@rules_go//go/config:race": False,
}

def _uninstrumented_impl(_settings, _attr):
    return _PLAIN

_uninstrumented = transition(
    implementation = _uninstrumented_impl,
    inputs = [],
    outputs = _PLAIN.keys(),
)

LAUNCHER_ATTRS = {
    "_launcher": attr.label(
        default = Label("//tools/covwrap/launcher"),
        # Not "exec": with remote execution or --platforms the test runs elsewhere than the build's tools.
        cfg = _uninstrumented,
        executable = True,
    ),
    "_allowlist_function_transition": attr.label(
        default = "@bazel_tools//tools/allowlists/function_transition_allowlist",
    ),
}

# The same for a launcher that gets its test on the command line.
RUN_UNDER_ATTRS = LAUNCHER_ATTRS | {
    "_launcher": attr.label(
        default = Label("//tools/covwrap/rununder"),
        cfg = _uninstrumented,
        executable = True,
    ),
}
