"""covwrap_go_binary: go_binary whose every process is covered."""

load("@rules_go//go:def.bzl", "go_binary")
load("//rules/private:hook.bzl", "main_hook")
load("//rules/private:runtime.bzl", "EXIT_HOOK", "RUNTIME", "add_runtime")

visibility(["//docs/...", "//rules/..."])

def covwrap_go_binary(name, **kwargs):
    """Builds a Go program that `bazel coverage` sees whole: every line that ran, however its processes ended.

    A drop-in for rules_go's `go_binary`. Builds that collect no coverage get exactly that `go_binary`.

    Args:
        name: name of the target.
        **kwargs: any attribute of `go_binary`.
    """
    hook = name + ".covwrap_hook"
    main_hook(
        name = hook,
        testonly = kwargs.get("testonly"),
        srcs = kwargs.get("srcs"),
        embed = kwargs.get("embed"),
        importpath = kwargs.get("importpath"),
        # rules_go has an import path for such a target, "PACKAGE/NAME", but tells the compiler its name alone.
        default_importpath = name,
        tags = ["manual"],
        target_compatible_with = kwargs.get("target_compatible_with"),
        visibility = ["//visibility:private"],
    )

    # rules_go refuses selects on a target that sets its own platform.
    cross = kwargs.get("goos") != None or kwargs.get("goarch") != None
    add_runtime(
        kwargs,
        hook = ":" + hook,
        deps = [RUNTIME, EXIT_HOOK],
        selects = not cross,
    )
    go_binary(name = name, **kwargs)
