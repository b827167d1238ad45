package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPageIsUpToDate(t *testing.T) {
	want, err := generate(defs)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(target)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("docs/rules.md is not what the docstrings say: run \"go run -C docs/gen .\"")
	}
}

// repository makes a folder with rules/defs.bzl, which exports x from
// rules/private/x.bzl.
func repository(t *testing.T, x string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"rules/defs.bzl":          "\"\"\"Head.\n\n    code\n\"\"\"\nload(\"//rules/private:x.bzl\", _x = \"x\")\nx = _x\n",
		"rules/private/x.bzl":     x,
		"rules/private/attrs.bzl": "ATTRS = {\"a\": attr.string(doc = \"An\\na | b.\", values = [\"a\", \"b\"]), \"_b\": attr.label()}\n",
	} {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.ToSlash(filepath.Join(dir, "rules", "defs.bzl"))
}

const head = "<!-- Made by `go run -C docs/gen .` from the docstrings in rules/. -->\n\n# Rules\n\nHead.\n\n    code\n\n## x\n\n"

func TestGenerate(t *testing.T) {
	for name, test := range map[string]struct{ x, want string }{
		"macro": {
			"def x(name, tags = None, **kwargs):\n    \"\"\"Does\n    it.\n\n    Args:\n      name: its name.\n      tags: its\n        tags.\n      **kwargs: the rest.\n    \"\"\"\n",
			"Does it.\n\n| argument | |\n| --- | --- |\n| `name` | its name. |\n| `tags` | its tags. |\n| `**kwargs` | the rest. |\n",
		},
		"rule": {
			"load(\"//rules/private:attrs.bzl\", \"ATTRS\")\ndef more(x):\n    return {\"_d\": x}\nload(\"@other//:x.bzl\", \"y\")\nx = rule(doc = \"Does it.\", attrs = ATTRS | more(1) | {\"c\": attr.label(mandatory = True, doc = \"C.\")})\n",
			"Does it.\n\n| attribute | type | |\n| --- | --- | --- |\n| `a` | `a`, `b` | An a \\| b. |\n| `c` | label, mandatory | C. |\n",
		},
	} {
		got, err := generate(repository(t, test.x))
		if err != nil || got != head+test.want {
			t.Errorf("%s: %v\n%q\nwant\n%q", name, err, got, head+test.want)
		}
	}
}

func TestGenerateRefuses(t *testing.T) {
	for want, x := range map[string]string{
		`argument "tags" is not documented`:           "def x(name, tags):\n    \"\"\"Does it.\n\n    Args:\n      name: its name.\n    \"\"\"\n",
		`the docstring has no "Args:"`:                "def x():\n    pass\n",
		`attribute "c" is not documented`:             "x = rule(doc = \"d\", attrs = {\"c\": attr.label()})\n",
		"the rule has no doc":                         "x = rule(attrs = {})\n",
		"neither a macro nor a rule":                  "x = 1\n",
		`does not define "x"`:                         "y = 1\n",
		`does not define "dict"`:                      "x = rule(doc = \"d\", attrs = dict())\n",
		`attribute "c" is not made by a call of attr`: "x = rule(doc = \"d\", attrs = {\"c\": 1})\n",
		`"no colon" is not "argument: what it is"`:    "def x():\n    \"\"\"Does it.\n\n    Args:\n      no colon\n    \"\"\"\n",
		"got end of file":                             "x = rule(\n",
	} {
		if _, err := generate(repository(t, x)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error is %v, want %q", x, err, want)
		}
	}
}
