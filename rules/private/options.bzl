"""The launcher's options: attributes of a test over flags of the build, as one environment variable."""

load("@bazel_skylib//rules:common_settings.bzl", "BuildSettingInfo")

visibility(["//docs/...", "//rules/..."])

_UNITS = ["ms", "s", "m"]

# The flags that set the options of a whole build.
DEFAULT_OPTION_ATTRS = {
    "aggregate": attr.string(
        default = "default",
        values = ["default", "off", "auto", "on"],
        doc = """When processes of one executable count into one map instead of one each: never (`off`), after a
thousand of them (`auto`), or as soon as the first one runs (`on`). It makes tests with very many children cheaper;
what they cover stays exact, but is not told apart by process any more. `default`: the flag
`//rules/config:aggregate`, `off`.""",
    ),
    "_aggregate": attr.label(default = Label("//rules/config:aggregate")),
    "_end_before_timeout": attr.label(default = Label("//rules/config:end_before_timeout")),
    "_grace": attr.label(default = Label("//rules/config:grace")),
    "_keep_profiles": attr.label(default = Label("//rules/config:keep_profiles")),
    "_on_missing": attr.label(default = Label("//rules/config:on_missing")),
}

OPTION_ATTRS = {
    "aggregate": attr.string(
        default = "default",
        values = ["default", "off", "auto", "on"],
        doc = """When processes of one executable count into one map instead of one each: never (`off`), after a
thousand of them (`auto`), or as soon as the first one runs (`on`). It makes tests with very many children cheaper;
what they cover stays exact, but is not told apart by process any more. `default`: the flag
`//rules/config:aggregate`, `off`.""",
    ),
    "end_before_timeout": attr.string(
        doc = """How long before its time-out to end a test that is still running, so that its log, coverage and
profiles come back; it never counts as passed. For remote execution, where a test that runs into its time-out
brings nothing but its log; here ledger and profiles are written shortly before in any case. A whole number and `ms`, `s` or `m`; half
of it is for the test to end, half for what is to be done then. Default: the flag
`//rules/config:end_before_timeout`, `0s`: never.""",
    ),
    "grace": attr.string(
        doc = """How long to wait for processes that are still running when the test has ended, before they
are ended and collected: a whole number and `ms`, `s` or `m`, such as `500ms`. Their counters are complete
either way; a longer grace lets them finish by themselves. Default: the flag `//rules/config:grace`, `5s`.""",
    ),
    "keep_profiles": attr.string(
        default = "auto",
        values = ["auto", "on", "off"],
        doc = """Whether the profile of every process is kept, in Go's own format, in the test's undeclared
outputs: `covwrap/profiles.tar` has a folder for `go tool covdata`. Default (`auto`): the flag `//rules/config:keep_profiles`, on.""",
    ),
    "on_missing": attr.string(
        default = "auto",
        values = ["auto", "ignore", "warn", "fail"],
        doc = """What to do when a process could not be collected: say nothing, say which and why in the summary
(`warn`), or also fail a test that passed (`fail`). Default (`auto`): the flag `//rules/config:on_missing`, `warn`.""",
    ),
} | DEFAULT_OPTION_ATTRS

def duration_error(value):
    """Says what is wrong with a duration.

    Args:
        value: what the user wrote, such as `5s`.

    Returns:
        A sentence for the user, or None when the launcher will accept the value.
    """
    for unit in _UNITS:
        number = value.removesuffix(unit)
        if number != value and number.isdigit():
            return None
    return "\"{}\" is not a duration: write a whole number and ms, s or m, such as \"500ms\" or \"5s\"".format(value)

def default_options(ctx):
    """Resolves the options of a launcher that serves tests of any rule.

    Args:
        ctx: context of a rule with DEFAULT_OPTION_ATTRS.

    Returns:
        As of launcher_options.
    """
    return _options(ctx, "default", "", "", "auto", "auto")

def launcher_options(ctx):
    """Resolves the options of one test.

    Args:
        ctx: context of a rule with OPTION_ATTRS.

    Returns:
        The value of COVWRAP_OPTIONS, in which every option is named, so that the launcher needs no default of its own.
    """
    return _options(ctx, ctx.attr.aggregate, ctx.attr.end_before_timeout, ctx.attr.grace, ctx.attr.keep_profiles, ctx.attr.on_missing)

def _options(ctx, own_aggregate, own_end_before_timeout, own_grace, own_keep_profiles, own_on_missing):
    aggregate = ctx.attr._aggregate[BuildSettingInfo].value
    if own_aggregate != "default":
        aggregate = own_aggregate
    end_before_timeout = _duration(ctx, "end_before_timeout", own_end_before_timeout)
    grace = _duration(ctx, "grace", own_grace)

    keep_profiles = ctx.attr._keep_profiles[BuildSettingInfo].value
    if own_keep_profiles != "auto":
        keep_profiles = own_keep_profiles == "on"

    on_missing = ctx.attr._on_missing[BuildSettingInfo].value
    if own_on_missing != "auto":
        on_missing = own_on_missing

    return "aggregate={} end_before_timeout={} grace={} keep_profiles={} on_missing={}".format(
        aggregate,
        end_before_timeout,
        grace,
        int(keep_profiles),
        on_missing,
    )

def _duration(ctx, name, own):
    value = own or getattr(ctx.attr, "_" + name)[BuildSettingInfo].value
    error = duration_error(value)
    if error:
        fail("{}: {} {}".format(ctx.label, name + ":" if own else "--//rules/config:{}:".format(name), error))
    return value
