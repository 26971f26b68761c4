import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from mincache import InputError, Instance, Run, Solution, evaluate, read_instance
from mincache.problem.instance import Rules
from mincache.solving import registry

GOLDEN = sorted((Path(__file__).parents[1] / "golden" / "optimum").iterdir())


@pytest.mark.parametrize("folder", GOLDEN, ids=lambda folder: folder.name)
@pytest.mark.parametrize("seconds", [math.inf, 600.0])
def test_golden_optima_with_a_bound_that_meets_them(folder: Path, seconds: float) -> None:
    """Cost and reported bound agree with the known optimum to 1e-9, also under a generous time limit."""
    instance, run = read_instance(folder / "instance.json"), Run.seeded(0, seconds)
    want = float(json.loads((folder / "expected.json").read_text())["optimal_cost"])
    score = evaluate(instance, registry.make("decomposition").solve(instance, run))
    assert score.feasible
    assert score.cost == pytest.approx(want, rel=1e-9)
    assert run.bound == pytest.approx(want, rel=1e-9)
    assert run.bound <= score.cost


def test_reports_each_answer_with_its_bound(instance: Instance) -> None:
    """What is reported last is what is returned."""
    reports: list[tuple[Solution | None, float | None]] = []
    run = Run.seeded(0)
    run.reporter = lambda _, solution, bound: reports.append((solution, bound))
    answer = registry.make("decomposition").solve(instance, run)
    assert reports[-1] == (answer, run.bound)


def test_a_wider_gap_is_kept(instance: Instance) -> None:
    """With a gap of 1 % the answer may be off by that, and the bound says so."""
    run = Run.seeded(0)
    cost = evaluate(instance, registry.make("decomposition[relative_gap=0.01]").solve(instance, run)).cost
    assert run.bound <= cost <= run.bound / 0.99


@pytest.mark.parametrize("rules", [Rules(2), Rules(1, 0.5), Rules(1, 0.0, 0.3), Rules(3, 0.5, 0.3)], ids=str)
def test_keeps_every_rule(instance: Instance, rules: Rules) -> None:
    """It says that it supports each rule, its answer keeps them, and its bound meets the cost."""
    solver, run = registry.make("decomposition"), Run.seeded(0)
    instance = replace(instance, rules=rules)
    assert solver.supports(instance) is None
    score = evaluate(instance, solver.solve(instance, run))
    assert score.feasible
    assert run.bound == pytest.approx(score.cost, rel=1e-9)
    assert run.bound <= score.cost


def test_a_senseless_number_of_caches_is_refused() -> None:
    """Fewer than no caches are refused with field and rule."""
    with pytest.raises(InputError, match="most_sets: must be at least 0"):
        registry.make("decomposition[most_sets=-1]")


@pytest.mark.parametrize("gap", ["-1e-9", "nan"])
def test_a_senseless_gap_is_refused(gap: str) -> None:
    """A gap below 0, or none that can be compared, is refused with field and rule."""
    with pytest.raises(InputError, match="relative_gap: must be at least 0"):
        registry.make(f"decomposition[relative_gap={gap}]")
