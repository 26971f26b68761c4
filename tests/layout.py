"""The rooms of the package, for the tests of the architecture and of the page that describes it."""

ROOMS = [
    "errors",
    "problem",
    "files",
    "generation",
    "exact",
    "solving",
    "algebra",
    "views",
    "certificate",
    "learning",
    "analysis",
    "judging",
    "bench",
    "board",
    "site",
    "paper",
    "cli",
]
"""The rooms of mincache, from the ground up: each may import itself and those before it."""

CHANGES = {
    "an optional field of the instance": (
        ["mincache/problem/instance.py", "mincache/problem/evaluation.py", "mincache/generation/scenario.py"],
        "Annotate the field with a `Quantity` that has a default, price it, and let scenarios draw it. "
        "Published bytes stay; every solver declines an instance that uses it, until its `rules` names it.",
    ),
    "a rule": (
        [
            "mincache/problem/instance.py",
            "mincache/problem/constraints.py",
            "mincache/generation/scenario.py",
        ],
        "As a field, in `Rules`. A solver keeps the rule once its `rules` names it.",
    ),
    "a formula or a unit": (
        ["mincache/problem/equations.py", "mincache/problem/units.py"],
        "Nowhere else. A change of a score raises `EVALUATOR_VERSION`.",
    ),
    "a solver": (
        ["solvers/cloud_only.py", "pyproject.toml"],
        "One new file beside this one, and its entry point. A plugin needs a file of its own alone.",
    ),
    "a number of the score": (
        ["mincache/judging/records.py", "mincache/board/columns.py"],
        "A field of `Score`, and a column. The judge copies it from the evaluation.",
    ),
    "a column of the leaderboard": (
        ["mincache/board/columns.py"],
        "A line in `COLUMNS`. Every rendering takes it from there.",
    ),
    "a chart": (
        ["mincache/site/charts.py"],
        "A function from a table to rows, one from rows to a drawing, and a line in `KINDS`.",
    ),
    "a process of a scenario": (
        ["mincache/generation/sections.py", "mincache/generation/request_processes.py"],
        "A class with `draw`, and a line in the table of sections. A plugin needs an entry point alone.",
    ),
    "a suite": (
        ["instances/smoke-v1/suite.toml", "instances/paper-v1/protocol.toml"],
        "A new folder with files like these: `mincache generate` writes the first, "
        "`mincache instances reference` its references. Published suites never change.",
    ),
    "a table that somebody writes": (
        ["mincache/files/tables.py"],
        "Derive from `StrictTable`; numbers and lists take their bounds from this module.",
    ),
    "a verb": (
        ["mincache/cli/main.py", "mincache/cli/examples.py"],
        "A new module in this room, a line in `VERBS`, and examples, which the tests run.",
    ),
}
"""What one may want to add, with the files that one touches and what to do there."""
