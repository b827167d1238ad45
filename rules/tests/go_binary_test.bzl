"""Analysis tests of covwrap_go_binary."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//rules:defs.bzl", "covwrap_go_binary")
load(":coverage.bzl", "COVERAGE")

visibility("private")

_HOOK = "rules/tests/{}_program.covwrap_hook/covwrap_hook.go"
_RUNTIME = ["embed/auto/auto.x", "embed/bincov/bincov.x"]

def _compiled_test_impl(ctx):
    env = analysistest.begin(ctx)
    compiled = []
    for action in analysistest.target_actions(env):
        if action.mnemonic == "GoCompilePkg":
            compiled.extend([file.short_path for file in action.inputs.to_list()])
    asserts.true(env, "rules/tests/program/main.go" in compiled, "the program itself is not compiled")
    for path in [ctx.attr.hook] + _RUNTIME:
        asserts.equals(env, path in ctx.attr.added, path in compiled, path)
    return analysistest.end(env)

_plain_test = analysistest.make(
    _compiled_test_impl,
    attrs = {"added": attr.string_list(), "hook": attr.string()},
)

_coverage_test = analysistest.make(
    _compiled_test_impl,
    attrs = {"added": attr.string_list(), "hook": attr.string()},
    config_settings = COVERAGE,
)

def go_binary_test_suite(name):
    """Declares the tests.

    Args:
        name: name of the suite.
    """
    tests = []
    for subject, kwargs in {
        "cross": {"goarch": "arm64", "goos": "linux", "srcs": ["program/main.go"]},
        "embedding": {"embed": [":program_lib"]},
        "none": {"deps": None, "srcs": ["program/main.go"]},
        "selecting": {"deps": select({"//conditions:default": []}), "srcs": select({"//conditions:default": ["program/main.go"]})},
    }.items():
        covwrap_go_binary(
            name = subject + "_program",
            tags = ["manual"],
            **kwargs
        )

        hook = _HOOK.format(subject)

        # A program for a platform of its own has an empty hook in all builds, since it takes no select.
        _plain_test(
            name = subject + "_plain_test",
            added = [hook] if subject == "cross" else [],
            hook = hook,
            target_under_test = ":{}_program".format(subject),
        )
        _coverage_test(
            name = subject + "_coverage_test",
            added = [hook] + _RUNTIME,
            hook = hook,
            target_under_test = ":{}_program".format(subject),
        )
        tests.extend([subject + "_plain_test", subject + "_coverage_test"])
    native.test_suite(name = name, tests = tests)
