"""Go source files that only Bazel builds.

They import internal packages of Go, which the go command refuses and rules_go does not. A build constraint hides them from the
go command; this rule takes it away.
"""

visibility(["//embed/...", "//rules/private/repository/..."])

# The first hides a file from the go command for ever, the second until a user sets the tag.
_CONSTRAINTS = ["//go:build covwrap_internal\n", "//go:build covwrap\n"]

def _bazel_only_impl(ctx):
    outs = []
    for src in ctx.files.srcs:
        out = ctx.actions.declare_file(ctx.label.name + "/" + src.basename)
        ctx.actions.expand_template(
            output = out,
            template = src,
            substitutions = {constraint: "// (for Bazel)\n" for constraint in _CONSTRAINTS},
        )
        outs.append(out)
    return [DefaultInfo(files = depset(outs))]

bazel_only = rule(
    implementation = _bazel_only_impl,
    doc = "The files without their build constraint.",
    attrs = {
        "srcs": attr.label_list(
            allow_files = [".go"],
            doc = "Go files with the constraint covwrap_internal or covwrap.",
            mandatory = True,
        ),
    },
)
