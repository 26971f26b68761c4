"""mincache: a benchmark for joint model caching and resource allocation at a generative-AI edge server.

An instance says what the problem is, a solver answers with a solution, the evaluator alone judges it.
The public names below are imported when first used, so that `import mincache` stays cheap.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mincache.documents import read_instance, read_solution, write_instance, write_solution
    from mincache.errors import InputError, MincacheError
    from mincache.evaluation import Evaluation, evaluate, evaluate_batch
    from mincache.instance import Instance
    from mincache.scenario import Scenario
    from mincache.solution import Decisions, Solution
    from mincache.solver import Budget, Learner, Run, Solver

__version__ = "0.1.0"

_HOMES = {
    "Budget": "solver",
    "Decisions": "solution",
    "Evaluation": "evaluation",
    "InputError": "errors",
    "Instance": "instance",
    "Learner": "solver",
    "MincacheError": "errors",
    "Run": "solver",
    "Scenario": "scenario",
    "Solution": "solution",
    "Solver": "solver",
    "evaluate": "evaluation",
    "evaluate_batch": "evaluation",
    "read_instance": "documents",
    "read_solution": "documents",
    "write_instance": "documents",
    "write_solution": "documents",
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
