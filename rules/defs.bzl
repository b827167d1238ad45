"""covwrap's rules. All of them come from one file:

    load("@covwrap//rules:defs.bzl", "covwrap_go_binary", "covwrap_go_test", "covwrap_test")

Under `bazel coverage` they do what their names say; every other build gets exactly the rules_go targets that it would have
without covwrap. With Gazelle, two lines in the root BUILD file are all that there is to adopt:

    # gazelle:map_kind go_binary covwrap_go_binary @covwrap//rules:defs.bzl
    # gazelle:map_kind go_test covwrap_go_test @covwrap//rules:defs.bzl

The options of a test are attributes; a flag of the same name sets their default for a whole build:

- `--@covwrap//rules/config:aggregate=off`
- `--@covwrap//rules/config:end_before_timeout=0s`
- `--@covwrap//rules/config:grace=5s`
- `--@covwrap//rules/config:keep_profiles` (or `--no@covwrap//rules/config:keep_profiles`)
- `--@covwrap//rules/config:on_missing=warn`

What a test leaves behind is described in how-it-works.md, what covwrap may say in messages.md.
"""

load("//rules/private:go_binary.bzl", _covwrap_go_binary = "covwrap_go_binary")
load("//rules/private:go_test.bzl", _covwrap_go_test = "covwrap_go_test")
load("//rules/private:test.bzl", _covwrap_test = "covwrap_test")

covwrap_go_binary = _covwrap_go_binary
covwrap_go_test = _covwrap_go_test
covwrap_test = _covwrap_test
