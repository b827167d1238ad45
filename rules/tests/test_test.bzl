"""Analysis tests of covwrap_test and covwrap_go_test."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("@rules_go//go:def.bzl", "GoArchive")
load("//rules:defs.bzl", "covwrap_go_test", "covwrap_test")
load(":coverage.bzl", "COVERAGE")

visibility("private")

_COVERAGE = COVERAGE | {"//command_line_option:instrumentation_filter": "^//rules/tests[/:]"}

_FAIL_ON_MISSING = _COVERAGE | {
    str(Label("//rules/config:end_before_timeout")): "10s",
    str(Label("//rules/config:aggregate")): "auto",
    str(Label("//rules/config:grace")): "2m",
    str(Label("//rules/config:keep_profiles")): False,
    str(Label("//rules/config:on_missing")): "fail",
}

def _started(target):
    """The short path of the file that the test's own executable is a link to."""
    executable = target[DefaultInfo].files_to_run.executable
    for action in target.actions:
        if executable in action.outputs.to_list():
            return action.inputs.to_list()[0].short_path
    return None

def _environment_of(target):
    return dict(target[RunEnvironmentInfo].environment)

def _wrapped_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)

    asserts.equals(env, ctx.attr.starts, _started(target))
    asserts.equals(env, ctx.attr.environment, _environment_of(target))
    asserts.equals(env, ctx.attr.inherits, list(target[RunEnvironmentInfo].inherited_environment))

    runfiles = {file.short_path: None for file in target[DefaultInfo].default_runfiles.files.to_list()}
    for path in ctx.attr.runfiles:
        asserts.true(env, path in runfiles, "{} is not in the runfiles {}".format(path, runfiles.keys()))

    instrumented = sorted([file.short_path for file in target[InstrumentedFilesInfo].instrumented_files.to_list()])
    asserts.equals(env, ctx.attr.instrumented, instrumented)

    asserts.equals(env, ctx.attr.go, GoArchive in target)
    return analysistest.end(env)

_WRAPPED_ATTRS = {
    "starts": attr.string(),
    "environment": attr.string_dict(),
    "inherits": attr.string_list(),
    "runfiles": attr.string_list(),
    "instrumented": attr.string_list(),
    "go": attr.bool(),
}

_plain_test = analysistest.make(_wrapped_test_impl, attrs = _WRAPPED_ATTRS)

_coverage_test = analysistest.make(
    _wrapped_test_impl,
    attrs = _WRAPPED_ATTRS,
    config_settings = _COVERAGE,
)

_flags_test = analysistest.make(
    _wrapped_test_impl,
    attrs = _WRAPPED_ATTRS,
    config_settings = _FAIL_ON_MISSING,
)

# --- The launcher's own configuration

_LauncherInfo = provider(
    doc = "How the launcher of a test is built.",
    fields = {"instrumented": "bool: whether with coverage"},
)

def _launcher_aspect_impl(_target, ctx):
    launcher = getattr(ctx.rule.attr, "_launcher", None)
    if type(launcher) == "list":
        launcher = launcher[0]
    if launcher and _LauncherInfo in launcher:
        return [launcher[_LauncherInfo]]
    return [_LauncherInfo(instrumented = ctx.configuration.coverage_enabled)]

_launcher_aspect = aspect(
    implementation = _launcher_aspect_impl,
    attr_aspects = ["_launcher"],
)

def _launcher_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    asserts.false(env, target[_LauncherInfo].instrumented, "the launcher is instrumented")
    return analysistest.end(env)

_launcher_test = analysistest.make(
    _launcher_test_impl,
    config_settings = _COVERAGE,
    extra_target_under_test_aspects = [_launcher_aspect],
)

# --- Mistakes

def _mistake_test_impl(ctx):
    env = analysistest.begin(ctx)
    asserts.expect_failure(env, ctx.attr.message)
    return analysistest.end(env)

_mistake_test = analysistest.make(
    _mistake_test_impl,
    attrs = {"message": attr.string()},
    expect_failure = True,
)

def _mistake(name, message, **kwargs):
    """Expects that a covwrap_test with these attributes fails to analyse."""
    covwrap_test(
        name = name + "_subject",
        tags = ["manual"],
        **kwargs
    )
    _mistake_test(
        name = name,
        message = message,
        target_under_test = ":" + name + "_subject",
    )

# --- All

_INNER = "rules/tests/go_subject.go_test_/go_subject.go_test"

def test_test_suite(name, library, program, sh_test):
    """Declares the tests.

    Args:
        name: name of the suite.
        library: a go_library.
        program: a covwrap_go_binary.
        sh_test: a sh_test with `env = {"GREETING": "hello"}`.
    """
    covwrap_go_test(
        name = "go_subject",
        srcs = ["subject_test.go"],
        data = [program],
        embed = [library],
        env = {"PROGRAM": "$(rootpath {})".format(program)},
        env_inherit = ["HOME"],
        aggregate = "on",
        end_before_timeout = "3s",
        grace = "250ms",
        keep_profiles = "off",
        on_missing = "ignore",
        tags = ["manual"],
    )
    covwrap_go_test(
        name = "go_defaults_subject",
        srcs = ["subject_test.go"],
        embed = [library],
        tags = ["manual"],
    )
    covwrap_test(
        name = "sh_subject",
        data = ["subject_test.go"],
        env = {"FILE": "$(rootpath subject_test.go)"},
        env_inherit = ["LANG"],
        tags = ["manual"],
        test = sh_test,
    )

    go_environment = {
        "GO_TEST_RUN_FROM_BAZEL": "1",
        "PROGRAM": "rules/tests/program_/program",
    }
    go_runfiles = [
        _INNER,
        "rules/tests/go_subject",
        "rules/tests/program_/program",
    ]
    _plain_test(
        name = "go_without_coverage_test",
        environment = go_environment,
        go = True,
        inherits = ["HOME"],
        runfiles = go_runfiles,
        starts = _INNER,
        target_under_test = ":go_subject",
    )
    _coverage_test(
        name = "go_under_coverage_test",
        environment = go_environment | {
            "COVWRAP_OPTIONS": "aggregate=on end_before_timeout=3s grace=250ms keep_profiles=0 on_missing=ignore",
            "COVWRAP_TEST": _INNER,
        },
        go = True,
        inherits = ["HOME"],
        instrumented = [
            "rules/tests/program/main.go",
            "rules/tests/subject.go",
        ],
        runfiles = go_runfiles,
        starts = "tools/covwrap/launcher/launcher_/launcher",
        target_under_test = ":go_subject",
    )
    _coverage_test(
        name = "defaults_test",
        environment = {
            "COVWRAP_OPTIONS": "aggregate=off end_before_timeout=0s grace=5s keep_profiles=1 on_missing=warn",
            "COVWRAP_TEST": _INNER.replace("go_subject", "go_defaults_subject"),
            "GO_TEST_RUN_FROM_BAZEL": "1",
        },
        go = True,
        instrumented = ["rules/tests/subject.go"],
        starts = "tools/covwrap/launcher/launcher_/launcher",
        target_under_test = ":go_defaults_subject",
    )
    _flags_test(
        name = "flags_test",
        environment = {
            "COVWRAP_OPTIONS": "aggregate=auto end_before_timeout=10s grace=2m keep_profiles=0 on_missing=fail",
            "COVWRAP_TEST": _INNER.replace("go_subject", "go_defaults_subject"),
            "GO_TEST_RUN_FROM_BAZEL": "1",
        },
        go = True,
        instrumented = ["rules/tests/subject.go"],
        starts = "tools/covwrap/launcher/launcher_/launcher",
        target_under_test = ":go_defaults_subject",
    )
    _plain_test(
        name = "sh_test",
        environment = {
            "COVWRAP_OPTIONS": "aggregate=off end_before_timeout=0s grace=5s keep_profiles=1 on_missing=warn",
            "COVWRAP_TEST": "rules/tests/sh_inner",
            "FILE": "rules/tests/subject_test.go",
            "GREETING": "hello",
        },
        inherits = ["LANG"],
        runfiles = [
            "rules/tests/sh_inner",
            "rules/tests/sh_subject",
            "rules/tests/subject.go",
            "rules/tests/subject_test.go",
        ],
        starts = "tools/covwrap/launcher/launcher_/launcher",
        target_under_test = ":sh_subject",
    )
    _launcher_test(
        name = "launcher_test",
        target_under_test = ":go_subject",
    )

    _mistake(
        name = "no_duration_test",
        grace = "soon",
        message = "rules/tests:no_duration_test_subject: grace: \"soon\" is not a duration: write a whole number and ms, s or m, such as \"500ms\" or \"5s\"",
        test = sh_test,
    )
    _mistake(
        name = "not_executable_test",
        message = "is a go_library, which cannot be run: name a test or another executable target",
        test = library,
    )
    _mistake(
        name = "file_test",
        message = "source file '//rules/tests:subject.go' is misplaced here (expected no files)",
        test = "subject.go",
    )
    _mistake(
        name = "wrapped_twice_test",
        message = "is wrapped already: use that target itself, or wrap the test that it wraps",
        test = ":go_subject",
    )
    _mistake(
        name = "args_lost_test",
        message = "has args = [\"-x\"], which Bazel applies only where that target itself is run: move args to args_lost_test_subject",
        test = ":with_args",
    )
    _mistake(
        name = "shards_lost_test",
        message = "has shard_count = 3, which Bazel applies only where that target itself is run: move shard_count to shards_lost_test_subject",
        test = ":with_shards",
    )
    native.test_suite(
        name = name,
        tests = [
            "args_lost_test",
            "defaults_test",
            "file_test",
            "flags_test",
            "go_under_coverage_test",
            "go_without_coverage_test",
            "launcher_test",
            "no_duration_test",
            "not_executable_test",
            "sh_test",
            "shards_lost_test",
            "wrapped_twice_test",
        ],
    )
