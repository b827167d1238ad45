"""covwrap_go_test: go_test that is covered itself and runs below the launcher."""

load("@rules_go//go:def.bzl", "go_test")
load("//rules/private:hook.bzl", "inferred_importpath", "test_hook")
load("//rules/private:runtime.bzl", "RUNTIME", "add_runtime")
load("//rules/private:test.bzl", "covwrap_test")

visibility(["//docs/...", "//rules/..."])

# Attributes of covwrap_test alone.
_OPTIONS = ["aggregate", "end_before_timeout", "grace", "keep_profiles", "on_missing"]

# Attributes that speak about the target as seen from outside: only the public one has them.
_PUBLIC = ["deprecation", "visibility"]

# Attributes that Bazel reads from whichever target it runs: both get them, so that the inner one, run by its own name, is
# the same test without the launcher. `data` is among them since `args` may name its files.
_BOTH = [
    "applicable_licenses",
    "args",
    "compatible_with",
    "data",
    "exec_compatible_with",
    "exec_group_compatible_with",
    "exec_properties",
    "features",
    "flaky",
    "local",
    "package_metadata",
    "restricted_to",
    "shard_count",
    "size",
    "target_compatible_with",
    "testonly",
    "timeout",
    "toolchains",
]

def covwrap_go_test(name, tags = None, **kwargs):
    """Runs Go tests so that `bazel coverage` sees every line that the test or any covered process below it ran.

    A drop-in for rules_go's `go_test`, also by Gazelle's `map_kind`. The `go_test` itself is the target `NAME.go_test`.

    Args:
        name: name of the target.
        tags: as of `go_test`.
        **kwargs: any attribute of `go_test`, and `aggregate`, `end_before_timeout`, `grace`, `keep_profiles` and `on_missing` of `covwrap_test`.
    """
    inner, hook = name + ".go_test", name + ".covwrap_hook"
    tags = tags or []
    manual = [tag for tag in tags if tag != "manual"] + ["manual"]
    outer = {}
    for attribute in _OPTIONS + _PUBLIC:
        if attribute in kwargs:
            outer[attribute] = kwargs.pop(attribute)
    for attribute in _BOTH:
        if attribute in kwargs:
            outer[attribute] = kwargs[attribute]

    if not kwargs.get("importpath") and not kwargs.get("embed"):
        # From the public name, which panics and test reports show.
        kwargs["importpath"] = inferred_importpath(name)

    test_hook(
        name = hook,
        testonly = True,
        srcs = kwargs.get("srcs"),
        embed = kwargs.get("embed"),
        importpath = kwargs.get("importpath"),
        gotags = kwargs.get("gotags"),
        tags = ["manual"],
        target_compatible_with = kwargs.get("target_compatible_with"),
        visibility = ["//visibility:private"],
    )
    add_runtime(kwargs, hook = ":" + hook, deps = [RUNTIME])
    go_test(
        name = inner,
        tags = manual,
        visibility = ["//visibility:private"],
        **kwargs
    )
    covwrap_test(
        name = name,
        test = ":" + inner,
        tags = tags,
        **outer
    )
