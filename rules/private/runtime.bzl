"""The runtime that a covered binary carries: labels for macros, which put it behind one select."""

visibility(["//rules/..."])

_COVERAGE = Label("//rules/private:coverage")

# Aliases and not //embed/auto itself: a program that imports covwrap has that label in its deps already, and Bazel refuses
# a label that a list holds twice.
RUNTIME = Label("//rules/private:runtime")

# Takes the place of rules_go's own hook at a program's exit, which would format a tracefile for every process.
EXIT_HOOK = Label("//rules/private:exit_hook")

def under_coverage(labels):
    """Makes a list that is empty unless the build collects coverage.

    Args:
        labels: list of labels.

    Returns:
        A select to append to an attribute. Other builds then do not even look at the labels: no action, hence no cache key, of
        theirs changes.
    """
    return select({
        _COVERAGE: labels,
        "//conditions:default": [],
    })

def add_runtime(kwargs, hook, deps, selects = True):
    """Adds the runtime to the attributes of a go_binary or go_test.

    Args:
        kwargs: the attributes; `srcs` and `deps` change.
        hook: label of a Go file of that package, which calls the runtime when the package initialises.
        deps: labels of libraries, RUNTIME first.
        selects: whether the rule takes selects. If not, the labels are added to every build, and are to stand for nothing that
            runs where no coverage is collected.
    """
    for attribute, labels in [("srcs", [hook]), ("deps", deps)]:
        added = under_coverage(labels) if selects else labels
        kwargs[attribute] = (kwargs.get(attribute) or []) + added
