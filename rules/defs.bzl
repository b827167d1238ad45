"""covwrap's rules: the only file here that users load.

    load("@covwrap//rules:defs.bzl", "covwrap_go_binary", "covwrap_go_test", "covwrap_test")

docs/rules.md describes every attribute.
"""

load("//rules/private:go_binary.bzl", _covwrap_go_binary = "covwrap_go_binary")
load("//rules/private:go_test.bzl", _covwrap_go_test = "covwrap_go_test")
load("//rules/private:test.bzl", _covwrap_test = "covwrap_test")

covwrap_go_binary = _covwrap_go_binary
covwrap_go_test = _covwrap_go_test
covwrap_test = _covwrap_test
