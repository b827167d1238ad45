"""covwrap_test: an existing test, run below the launcher."""

load("@rules_go//go:def.bzl", "GoArchive")
load("//rules/private:launcher.bzl", "LAUNCHER_ATTRS")
load("//rules/private:options.bzl", "OPTION_ATTRS", "launcher_options")
load("//rules/private:test_facts.bzl", "TestFactsInfo", "test_facts")

visibility(["//docs/...", "//rules/..."])

def _covwrap_test_impl(ctx):
    test = ctx.attr.test
    _check_test(ctx)
    options = launcher_options(ctx)

    # A Go test without coverage is the test itself, under one more name: nothing of covwrap is even built. Tests of other
    # languages may find their files by the name they are started with, so the launcher starts them under their own.
    bare = GoArchive in test and not ctx.configuration.coverage_enabled
    wrapped = test[DefaultInfo].files_to_run.executable
    started = wrapped if bare else ctx.executable._launcher

    # Windows runs files by their extension only.
    extension = ".exe" if started.extension == "exe" else ""
    executable = ctx.actions.declare_file(ctx.label.name + extension)
    ctx.actions.symlink(
        output = executable,
        target_file = started,
        is_executable = True,
    )

    environment = dict(test[TestFactsInfo].environment)
    inherited = list(test[TestFactsInfo].inherited_environment)
    if RunEnvironmentInfo in test:
        environment.update(test[RunEnvironmentInfo].environment)
        inherited.extend(test[RunEnvironmentInfo].inherited_environment)
    for key, value in ctx.attr.env.items():
        environment[key] = ctx.expand_location(value, ctx.attr.data) if "$" in value else value
    inherited.extend([name for name in ctx.attr.env_inherit if name not in inherited])
    if not bare:
        environment["COVWRAP_TEST"] = wrapped.short_path
        environment["COVWRAP_OPTIONS"] = options

    runfiles = ctx.runfiles(files = [wrapped, started] + ctx.files.data)
    runfiles = runfiles.merge_all(
        [test[DefaultInfo].default_runfiles] +
        [data[DefaultInfo].default_runfiles for data in ctx.attr.data],
    )

    providers = [
        DefaultInfo(
            executable = executable,
            files = depset([executable]),
            runfiles = runfiles,
        ),
        RunEnvironmentInfo(
            environment = environment,
            inherited_environment = inherited,
        ),
        # Without it Bazel takes the test for one that covers nothing, and its manifest filters every line out.
        coverage_common.instrumented_files_info(
            ctx,
            dependency_attributes = ["data", "test"],
        ),
    ]

    # What tools and rules look for in a test, whoever runs it.
    for provider in [GoArchive, OutputGroupInfo, testing.ExecutionInfo]:
        if provider in test:
            providers.append(test[provider])
    return providers

def _check_test(ctx):
    """Fails with a sentence that says how to mend it when ctx.attr.test cannot be wrapped."""
    test, facts = ctx.attr.test, ctx.attr.test[TestFactsInfo]

    def mistake(what, fix):
        fail("{}: test = \"{}\" {}: {}".format(ctx.label, test.label, what, fix))

    if not test[DefaultInfo].files_to_run or not test[DefaultInfo].files_to_run.executable:
        mistake(
            "is a {}, which cannot be run".format(facts.kind),
            "name a test or another executable target",
        )
    if facts.kind == "covwrap_test":
        mistake("is wrapped already", "use that target itself, or wrap the test that it wraps")
    for attribute in ["args", "shard_count"]:
        theirs, ours = getattr(facts, attribute), getattr(ctx.attr, attribute)
        if theirs not in ([], -1) and theirs != ours:
            mistake(
                "has {0} = {1}, which Bazel applies only where that target itself is run".format(attribute, repr(theirs)),
                "move {0} to {1}".format(attribute, ctx.label.name),
            )

covwrap_test = rule(
    implementation = _covwrap_test_impl,
    doc = """Runs a test of any language below covwrap's launcher, so that `bazel coverage` sees every line that any
covered Go process below it ran, however that process ended.

The wrapped test is best tagged `manual`, or `bazel test //...` runs it twice. `size`, `timeout`, `args`, `shard_count`,
`flaky`, `local`, `tags` and `exec_properties` count where they are set on the `covwrap_test`; the wrapped test's `env`,
`env_inherit` and `data` are taken over.""",
    attrs = OPTION_ATTRS | LAUNCHER_ATTRS | {
        "test": attr.label(
            mandatory = True,
            aspects = [test_facts],
            doc = "The test, or any other executable target whose exit status is the verdict.",
        ),
        "data": attr.label_list(
            allow_files = True,
            doc = "More files for the test at run time; `args` and `env` may name them by `$(rootpath)`.",
        ),
        "env": attr.string_dict(
            doc = "More environment variables for the test, over those that the wrapped test brings. Values may use `$(rootpath)`.",
        ),
        "env_inherit": attr.string_list(
            doc = "More names of environment variables that the test takes from outside.",
        ),
        # C and C++ code below the test, such as a cgo library, is collected by this script of Bazel's.
        "_collect_cc_coverage": attr.label(
            default = "@bazel_tools//tools/test:collect_cc_coverage",
            cfg = "exec",
            executable = True,
        ),
        # By this name Bazel finds the merger that makes one tracefile of what lies in COVERAGE_DIR. The configuration field is
        # empty unless coverage is collected, so the merger is not built otherwise.
        "_lcov_merger": attr.label(
            default = configuration_field(fragment = "coverage", name = "output_generator"),
            cfg = "exec",
            executable = True,
        ),
    },
    fragments = ["coverage"],
    test = True,
)
