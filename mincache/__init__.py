"""mincache: a benchmark for joint model caching and resource allocation at a generative-AI edge server.

An instance says what the problem is, a solver answers with a solution, the evaluator alone judges it.
The public names below are imported when first used, so that `import mincache` stays cheap.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mincache.errors import InputError, MincacheError
    from mincache.files.documents import read_instance, read_solution, write_instance, write_solution
    from mincache.generation.scenario import Scenario
    from mincache.problem.evaluation import Evaluation, evaluate, evaluate_batch
    from mincache.problem.instance import Instance
    from mincache.problem.solution import Decisions, Solution
    from mincache.solving.contract import Budget, Learner, Run, Solver

__version__ = "0.2.0"

_HOMES = {
    "Budget": "solving.contract",
    "Decisions": "problem.solution",
    "Evaluation": "problem.evaluation",
    "InputError": "errors",
    "Instance": "problem.instance",
    "Learner": "solving.contract",
    "MincacheError": "errors",
    "Run": "solving.contract",
    "Scenario": "generation.scenario",
    "Solution": "problem.solution",
    "Solver": "solving.contract",
    "evaluate": "problem.evaluation",
    "evaluate_batch": "problem.evaluation",
    "read_instance": "files.documents",
    "read_solution": "files.documents",
    "write_instance": "files.documents",
    "write_solution": "files.documents",
}

__all__ = [  # noqa: RUF022  # in the order of the path through the system
    "Instance", "Solution", "Decisions", "Scenario",
    "evaluate", "evaluate_batch", "Evaluation",
    "read_instance", "read_solution", "write_instance", "write_solution",
    "Solver", "Learner", "Run", "Budget",
    "MincacheError", "InputError",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mincache' has no attribute {name!r}")
    return getattr(importlib.import_module(f"mincache.{_HOMES[name]}"), name)
