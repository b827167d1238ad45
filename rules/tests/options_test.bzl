"""Unit tests of options.bzl."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//rules/private:options.bzl", "duration_error")

visibility("private")

def _duration_test_impl(ctx):
    env = unittest.begin(ctx)
    for good in ["0s", "5s", "500ms", "2m", "010s"]:
        asserts.equals(env, None, duration_error(good), good)
    for bad in ["", "5", "s", "5 s", "-5s", "1.5s", "5h", "5sm", "5s5s"]:
        asserts.equals(
            env,
            "\"" + bad + "\" is not a duration: write a whole number and ms, s or m, such as \"500ms\" or \"5s\"",
            duration_error(bad),
        )
    return unittest.end(env)

_duration_test = unittest.make(_duration_test_impl)

def options_test_suite(name):
    unittest.suite(name, _duration_test)
