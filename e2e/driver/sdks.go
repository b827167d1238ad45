package main

import (
	"debug/buildinfo"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// runSDKs drives copies of e2e/repository with what other repositories have: a
// program that is killed has the same counters, whatever compiled and linked it.
func runSDKs(r *report) {
	w := r.workspace("repository")
	// Older than the machine's own, and than what rules_go's own modules ask for.
	const wrapped, fromFile = "1.25.4", "1.24.9"
	goroot, err := r.command(r.root, []string{"GOTOOLCHAIN=go" + wrapped}, "go", "env", "GOROOT")
	r.check("SDK", err)
	if err != nil {
		return
	}
	r.check("other SDKs", repositoryCopy(r, w, func(c workspace) error {
		err := errors.Join(r.useCovwrap(c, fmt.Sprintf(`go_sdk.wrap(
    root_file = "@wrapped_sdk//:VERSION",
    version = "%s",
)
go_sdk.from_file(go_mod = "//:go.mod")

new_local_repository = use_repo_rule("@bazel_tools//tools/build_defs/repo:local.bzl", "new_local_repository")

new_local_repository(
    name = "wrapped_sdk",
    build_file_content = 'exports_files(["VERSION"])',
    path = "%s",
)
`, wrapped, strings.TrimSpace(goroot)), ""),
			os.WriteFile(filepath.Join(c.dir, "go.mod"), []byte("module example.com/repository\n\ngo "+fromFile+"\n"), 0o666))
		if err == nil {
			killed(r, c, w, "go_sdk.wrap", "go"+wrapped, "--@rules_go//go/toolchain:sdk_version="+wrapped)
			killed(r, c, w, "go_sdk.from_file", "go"+fromFile, "--@rules_go//go/toolchain:sdk_version="+fromFile)
		}
		return err
	}))
	r.check("nogo and modes", repositoryCopy(r, w, func(c workspace) error {
		err := r.useCovwrap(c, "go_sdk.host()\ngo_sdk.nogo(nogo = \"//:nogo\")\n", `load("@rules_go//go:def.bzl", "nogo")

nogo(
    name = "nogo",
    visibility = ["//visibility:public"],
    vet = True,
)
`)
		if err != nil {
			return err
		}
		for _, mode := range []string{"pure", "static"} {
			killed(r, c, w, mode, "", "--@rules_go//go/config:"+mode)
		}
		return nil
	}))
}

// useCovwrap adds covwrap, its lines in .bazelrc, and other Go SDKs to a copy.
func (r *report) useCovwrap(c workspace, sdks, build string) error {
	rc, err := os.ReadFile(filepath.Join(r.workspace("repository").dir, ".bazelrc"))
	// The sandbox has an empty /tmp but for the workspace's own folder; a checkout
	// there would be missing.
	rc = append(rc, "\ncommon --sandbox_add_mount_pair=/tmp\n"...)
	return errors.Join(err,
		os.WriteFile(filepath.Join(c.dir, ".bazelrc"), rc, 0o666),
		os.WriteFile(filepath.Join(c.dir, "BUILD.bazel"), []byte(build), 0o666),
		c.edit("MODULE.bazel", func(module string) string {
			return strings.NewReplacer(`path = "../.."`, fmt.Sprintf("path = %q", r.root), "go_sdk.host()\n", sdks).Replace(module)
		}))
}

// killed runs the test that kills a program under coverage.
func killed(r *report, c, original workspace, name, version string, options ...string) {
	_, err := c.bazel(nil, append([]string{"coverage", "--nocache_test_results", "//endings:sigkill_test"}, options...)...)
	r.check(name, err)
	if err != nil {
		return
	}
	tracefile, err := c.read("endings/sigkill_test/coverage.dat")
	r.check(name+" tracefile", err)
	r.golden(name+" counters", tracefile, filepath.Join(original.dir, "expected", "sigkill_test.lcov"))
	if version != "" {
		info, err := buildinfo.ReadFile(c.endings())
		if err == nil {
			err = difference(info.GoVersion, version)
		}
		r.check(name+" version", err)
	}
}

// endings is the program that was built last.
func (w workspace) endings() string {
	return filepath.Join(w.dir, "bazel-bin", "endings", "endings_", "endings")
}
