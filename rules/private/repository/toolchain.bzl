"""A Go toolchain that puts covwrap's runtime into every Go binary of a build that collects coverage.

It is whatever Go toolchain the build would use without it, found by toolchain resolution in the same configuration without
coverage, so any SDK, from any source, for any pair of platforms, serves; with one of its functions replaced. rules_go's rules
call the function `archive` of their toolchain for each package that they compile, and what is asked for four packages changes:

- coverdata, on which all that is instrumented depends: gets a file that starts the runtime, and the runtime's packages as
  dependencies. They are compiled here, since a target of theirs would need the toolchain that needs them.
- bincov, rules_go's hook at a program's exit: covwrap's takes its place, which does nothing in a process with a counter map.
- package main of each binary and test: gets a file that tells the runtime when all packages have registered.
- the runtime's packages, where a target names them (covwrap_go_test, a program that imports covwrap): are those of coverdata,
  for the linker takes no package twice.

Nothing else is touched. Standard library, tools and nogo keep their cache keys, as rules_go builds them without coverage.
"""

load("@rules_go//go:def.bzl", "GoInfo", "new_go_info")

visibility(["//rules/..."])

_GO = "@rules_go//go:toolchain"

_COVERDATA = Label("@rules_go//go/tools/coverdata")
_BINCOV = Label("@rules_go//go/tools/bzltestutil/bincov")

# Labels and import paths as the targets of the same packages have them: rules_go takes label or path for the identity.
_RT = struct(
    label = Label("//embed/internal/rt"),
    importpath = "github.com/covwrap/covwrap/embed/internal/rt",
    importmap = "+initfirst/github.com/covwrap/covwrap/embed/internal/rt",
)
_EARLY = struct(
    label = Label("//embed/internal/early"),
    importpath = "github.com/covwrap/covwrap/embed/internal/early",
    importmap = "+initfirst/github.com/covwrap/covwrap/embed/internal/early",
)
_EXIT_HOOK = struct(
    label = Label("//rules/private/repository:exit_hook"),
    importpath = "github.com/bazelbuild/rules_go/go/tools/bzltestutil/bincov",
    importmap = "github.com/covwrap/covwrap/rules/repository/bincov",
)

def _fields(instance):
    return {name: getattr(instance, name) for name in dir(instance) if name not in ["to_json", "to_proto"]}

def _changed(source, **changes):
    return GoInfo(**(_fields(source) | changes))

def _package(go, package, srcs, deps):
    """Returns the GoInfo of one of covwrap's packages, never instrumented."""
    source = new_go_info(
        go,
        struct(srcs = [struct(files = srcs)]),
        # Of the output: must differ from those of the target that is being built.
        name = "covwrap_" + package.label.name,
        importpath = package.importpath,
        coverage_instrumented = False,
        deps = deps,
    )
    return _changed(source, label = package.label, importmap = package.importmap, pathtype = "explicit")

def _runtime(go, package):
    """Returns the archive of a package of the runtime, of which coverdata has the only copy."""
    for archive in go.coverdata.direct:
        if archive.data.label == package.label:
            return archive
    fail("{}: rules_go's coverdata was built without covwrap's runtime: covwrap does not know this version of rules_go".format(go.label))

def _with_runtime(archive, files):
    """Wraps a toolchain's function `archive`.

    Args:
        archive: the function.
        files: struct of lists of File: `rt`, `early`, `coverdata`, `exit_hook`, `main`.

    Returns:
        A function with the same parameters and result.
    """

    def coverdata(go, source, *args, **kwargs):
        rt = archive(go, _package(go, _RT, files.rt, []))
        early = archive(go, _package(go, _EARLY, files.early, [rt]))
        return archive(
            go,
            _changed(source, srcs = source.srcs + files.coverdata, deps = source.deps + [rt, early]),
            *args,
            **kwargs
        )

    def exit_hook(go, source, *args, **kwargs):
        # A library of rules_go's own tools has no go.coverdata.
        original = archive(go, source, *args, **kwargs)
        rt = [a for dep in source.deps for c in dep.direct if c.data.label == _COVERDATA for a in c.direct if a.data.label == _RT.label]
        if not rt:
            fail("{} no longer leads to {}: covwrap does not know this version of rules_go".format(_BINCOV, _COVERDATA))
        return archive(go, _package(go, _EXIT_HOOK, files.exit_hook, [original, rt[0]]))

    def main(go, source, *args, **kwargs):
        others = [dep for dep in source.deps if dep.data.label != _COVERDATA]
        return archive(
            go,
            _changed(source, srcs = source.srcs + files.main, deps = others + [go.coverdata]),
            *args,
            **kwargs
        )

    def replacement(go, source = None, *args, **kwargs):
        label = source.label
        if label == _COVERDATA:
            return coverdata(go, source, *args, **kwargs)
        if label == _BINCOV:
            return exit_hook(go, source, *args, **kwargs)
        for package in [_RT, _EARLY]:
            if label == package.label:
                return _runtime(go, package)
        if source.is_main and go.coverdata:
            return main(go, source, *args, **kwargs)
        return archive(go, source, *args, **kwargs)

    return replacement

def _go_toolchain_impl(ctx):
    original = ctx.toolchains[_GO]
    actions = getattr(original, "actions", None)
    if not hasattr(actions, "archive"):
        fail("{}: the Go toolchain has no actions.archive: covwrap does not know this version of rules_go".format(ctx.label))
    files = struct(
        coverdata = ctx.files._coverdata,
        early = ctx.files._early,
        exit_hook = ctx.files._exit_hook,
        main = ctx.files._main,
        rt = [file for file in ctx.files._rt if not file.basename.endswith("_test.go")],
    )
    fields = _fields(original)
    fields["actions"] = struct(**(_fields(actions) | {"archive": _with_runtime(actions.archive, files)}))
    return [platform_common.ToolchainInfo(**fields)]

def _without_coverage_impl(_settings, _attr):
    return {"//command_line_option:collect_code_coverage": False}

# Where coverage is off, this toolchain is none that resolution would find.
_without_coverage = transition(
    implementation = _without_coverage_impl,
    inputs = [],
    outputs = ["//command_line_option:collect_code_coverage"],
)

go_toolchain_with_runtime = rule(
    implementation = _go_toolchain_impl,
    doc = "The build's Go toolchain, with covwrap's runtime in all that it makes.",
    cfg = _without_coverage,
    attrs = {
        "_coverdata": attr.label(default = Label("//rules/private/repository/coverdata:for_bazel")),
        "_early": attr.label(default = Label("//embed/internal/early:for_bazel")),
        "_exit_hook": attr.label(default = Label("//embed/bincov:for_bazel")),
        "_main": attr.label(default = Label("//rules/private/repository/main:for_bazel")),
        "_rt": attr.label(default = Label("//embed/internal/rt:sources")),
        "_allowlist_function_transition": attr.label(
            default = "@bazel_tools//tools/allowlists/function_transition_allowlist",
        ),
    },
    toolchains = [_GO],
)
