"""mincache: a benchmark for joint model caching and resource allocation at a generative-AI edge server.

An instance says what the problem is, a solver answers with a solution, the evaluator alone judges it.
The public names below are imported when first used, so that `import mincache` stays cheap.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from mincache.views import registration

if TYPE_CHECKING:
    from mincache.analysis.answer import Answer, solve
    from mincache.analysis.explanation import Explanation, explain
    from mincache.errors import EvaluationsSpentError, InputError, MincacheError
    from mincache.exact.best_service import serve, serve_batch
    from mincache.exact.slot_pricing import SlotPricer
    from mincache.files.documents import read_instance, read_solution, write_instance, write_solution
    from mincache.generation.scenario import Scenario
    from mincache.generation.suites import Suite, load, suite
    from mincache.problem.evaluation import Evaluation, evaluate, evaluate_batch
    from mincache.problem.instance import Instance
    from mincache.problem.revealed import ShownSlot, Site
    from mincache.problem.solution import Decisions, Solution
    from mincache.site.notebook import Results, run
    from mincache.solving.contract import Budget, Learner, Run, Solver
    from mincache.solving.online import OnlinePolicy, OnlineSolver

__version__ = "0.2.0"

_HOMES = {
    "Answer": "analysis.answer",
    "Budget": "solving.contract",
    "Decisions": "problem.solution",
    "Evaluation": "problem.evaluation",
    "EvaluationsSpentError": "errors",
    "Explanation": "analysis.explanation",
    "InputError": "errors",
    "Instance": "problem.instance",
    "Learner": "solving.contract",
    "MincacheError": "errors",
    "OnlineSolver": "solving.online",
    "OnlinePolicy": "solving.online",
    "Run": "solving.contract",
    "Scenario": "generation.scenario",
    "Site": "problem.revealed",
    "ShownSlot": "problem.revealed",
    "SlotPricer": "exact.slot_pricing",
    "Solution": "problem.solution",
    "Solver": "solving.contract",
    "Suite": "generation.suites",
    "explain": "analysis.explanation",
    "evaluate": "problem.evaluation",
    "evaluate_batch": "problem.evaluation",
    "Results": "site.notebook",
    "load": "generation.suites",
    "read_instance": "files.documents",
    "read_solution": "files.documents",
    "run": "site.notebook",
    "serve": "exact.best_service",
    "serve_batch": "exact.best_service",
    "solve": "analysis.answer",
    "suite": "generation.suites",
    "write_instance": "files.documents",
    "write_solution": "files.documents",
}

__all__ = [  # noqa: RUF022  # in the order of the path through the system
    "load", "suite", "solve", "serve", "serve_batch", "SlotPricer", "run",
    "Instance", "Solution", "Decisions", "Scenario", "Suite", "Answer", "Results",
    "evaluate", "evaluate_batch", "Evaluation", "explain", "Explanation",
    "read_instance", "read_solution", "write_instance", "write_solution",
    "Solver", "Learner", "Run", "Budget",
    "OnlineSolver", "OnlinePolicy", "Site", "ShownSlot",
    "MincacheError", "InputError", "EvaluationsSpentError",
]  # fmt: skip


registration.register()


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        from mincache.errors import did_you_mean

        advice = did_you_mean(name, __all__, "see dir(mincache)")
        raise AttributeError(f"module 'mincache' has no attribute {name!r}; {advice}")
    return getattr(importlib.import_module(f"mincache.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return list(__all__)
