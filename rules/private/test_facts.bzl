"""What a wrapped test's own rule says about it, which no provider tells."""

visibility(["//rules/..."])

TestFactsInfo = provider(
    doc = "Attributes of a test that Bazel keeps to the test's own rule.",
    fields = {
        "kind": "string: the test's rule, such as `sh_test`",
        "args": "list of strings: its `args`, unexpanded",
        "environment": "dict: its `env`, expanded; empty when a RunEnvironmentInfo tells it",
        "inherited_environment": "list of strings: its `env_inherit`; empty when a RunEnvironmentInfo tells it",
        "shard_count": "int: its `shard_count`; -1 when it was not set",
    },
)

def _test_facts_impl(target, ctx):
    environment, inherited = {}, []
    if RunEnvironmentInfo not in target:
        # Bazel's built-in tests, sh_test on Bazel 7 for one, have no such provider.
        environment = _expanded(ctx, getattr(ctx.rule.attr, "env", {}))
        inherited = getattr(ctx.rule.attr, "env_inherit", [])
    return [TestFactsInfo(
        kind = ctx.rule.kind,
        args = getattr(ctx.rule.attr, "args", []),
        environment = environment,
        inherited_environment = inherited,
        shard_count = getattr(ctx.rule.attr, "shard_count", -1),
    )]

def _expanded(ctx, env):
    """Expands the values of a built-in test's env as Bazel would."""
    targets = []
    for attribute in ["srcs", "deps", "data"]:
        targets.extend(getattr(ctx.rule.attr, attribute, []))
    return {
        key: ctx.expand_location(value, targets) if "$" in value else value
        for key, value in env.items()
    }

test_facts = aspect(
    implementation = _test_facts_impl,
    doc = "Collects TestFactsInfo of the target itself.",
)
