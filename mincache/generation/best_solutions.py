"""Best solutions beside a suite's instances, so that the best known costs need not be taken on trust."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mincache.errors import InputError
from mincache.files.documents import read_solution, write_solution
from mincache.generation.suites import Suite
from mincache.problem.evaluation import evaluate
from mincache.problem.solution import Solution

_SAME = 1e-9  # relative difference up to which a cost is the one that the suite lists


def solution_path(suite: Suite, name: str) -> Path:
    """Return where the best solution of the instance `name` lies."""
    return suite.folder / "solutions" / f"{name}.json.gz"


def has_solutions(suite: Suite) -> bool:
    """Return whether a suite comes with best solutions."""
    return solution_path(suite, "x").parent.is_dir()


def write_best(suite: Suite, name: str, solution: Solution) -> None:
    """Write the best solution of the instance `name` beside it."""
    path = solution_path(suite, name)
    path.parent.mkdir(exist_ok=True)
    write_solution(solution, path)


def check_solutions(suite: Suite) -> Iterator[tuple[str, str | None]]:
    """Yield each instance's name, and None or why its solution is not one of the best known cost."""
    for name in suite.entries:
        try:
            yield name, _failure(suite, name)
        except InputError as error:
            yield name, str(error)


def _failure(suite: Suite, name: str) -> str | None:
    found = evaluate(suite.read(name), read_solution(solution_path(suite, name)))
    if found.violations:
        return f"the solution breaks {', '.join(sorted({broken.constraint for broken in found.violations}))}"
    listed = suite.entries[name].best_known
    if listed is None or not abs(found.cost - listed) <= _SAME * listed:  # nor may it be nan
        return f"the suite lists {listed} as best known, the solution costs {found.cost!r}"
    return None
