"""The runtime that a covered binary carries: labels for macros, which put it behind one select."""

visibility(["//rules/..."])

_COVERAGE = Label("//rules/private:coverage")

# An alias and not //embed/auto itself: a program that imports covwrap has that label in its deps already, and Bazel
# refuses a label that a list holds twice.
_RUNTIME = Label("//rules/private:runtime")

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

def add_runtime(kwargs, hook, selects = True):
    """Adds the runtime to the attributes of a go_binary or go_test.

    Args:
        kwargs: the attributes; `srcs` and `deps` change.
        hook: label of a Go file of that package, which calls the runtime when the package initialises.
        selects: whether the rule takes selects. If not, the labels are added to every build, and are to stand for nothing at
            all, or nothing that runs, where no coverage is collected.
    """
    for attribute, label in [("srcs", hook), ("deps", _RUNTIME)]:
        added = under_coverage([label]) if selects else [label]
        kwargs[attribute] = (kwargs.get(attribute) or []) + added
