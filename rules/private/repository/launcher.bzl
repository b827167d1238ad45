"""The launcher for `--run_under`: it gets the test's command line instead of a COVWRAP_TEST in its environment."""

load("//rules/private:launcher.bzl", "RUN_UNDER_ATTRS")
load("//rules/private:options.bzl", "DEFAULT_OPTION_ATTRS", "default_options")

visibility(["//rules/..."])

def _launcher_impl(ctx):
    started = ctx.executable._launcher
    executable = ctx.actions.declare_file(ctx.label.name + (".exe" if started.extension == "exe" else ""))
    ctx.actions.symlink(output = executable, target_file = started, is_executable = True)

    # An executable before every test takes no environment of its own along; a file beside it comes in its runfiles.
    options = ctx.actions.declare_file(executable.basename + ".options")
    ctx.actions.write(options, default_options(ctx) + "\n")
    return [DefaultInfo(
        executable = executable,
        files = depset([executable]),
        runfiles = ctx.runfiles(files = [executable, options]),
    )]

launcher = rule(
    implementation = _launcher_impl,
    doc = "The launcher, with the options of `//rules/config`.",
    attrs = DEFAULT_OPTION_ATTRS | RUN_UNDER_ATTRS,
    executable = True,
)
