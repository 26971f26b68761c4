"""Races: who is stopped, when, and what is left of the plan."""

import numpy as np
import pytest
from bench_fixture import CLOUD_ONLY
from board_fixture import record
from scipy import stats

from mincache.bench.limits import Limits
from mincache.bench.plan import plan
from mincache.board.racing import FIRST_TEST, clearly_worse, race
from mincache.generation.suites import find

NAMES = [f"i{k}" for k in range(8)]
BEST = [10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0]


def records(**factors):
    """Records of solvers whose costs are the best ones times a factor an instance."""
    return [
        record(solver, name, cost * factor)
        for solver, own in factors.items()
        for name, cost, factor in zip(NAMES, BEST, own, strict=False)
    ]


def test_the_test_is_a_paired_t_test_with_holm():
    """Adjusted p-values are SciPy's, of the gaps of each pair, times the number of those not smaller."""
    rng = np.random.default_rng(0)
    near, far = 1.0 + 0.01 * rng.random(8), 1.2 + 0.1 * rng.random(8)
    found = {one.solver: one for one in clearly_worse(records(best=np.ones(8), near=near, far=far))}
    p_near = stats.ttest_1samp(near - 1.0, 0.0).pvalue
    p_far = stats.ttest_1samp(far - 1.0, 0.0).pvalue
    assert p_far < p_near
    assert found["far"].p == pytest.approx(2 * p_far)
    assert found["near"].p == pytest.approx(p_near if p_near > 2 * p_far else 2 * p_far)
    assert (found["far"].best, found["far"].instances) == ("best", 8)
    assert found["far"].gap == pytest.approx(far.mean() - 1.0)


def test_nobody_is_stopped_without_evidence():
    """Neither by noise, nor where two answer alike, nor on fewer instances than the first test waits for."""
    noise = 1.0 + np.array([0.1, 0.0, 0.05, 0.0, 0.1, 0.0, 0.02, 0.0])
    assert clearly_worse(records(a=noise, b=noise[::-1])) == []
    assert clearly_worse(records(a=np.ones(8), b=np.ones(8))) == []
    few = np.ones(FIRST_TEST - 1)
    assert clearly_worse(records(a=few, b=1.5 + 0.1 * few * np.arange(len(few)))) == []
    assert clearly_worse(records(a=np.ones(8))) == []


def test_a_race_ends_for_the_worse_and_goes_on_for_the_rest():
    """Every instance is asked of who remains; who was stopped is asked of none after its last test."""
    suite = find("paper-v1")
    others = [CLOUD_ONLY.__class__(**vars(CLOUD_ONLY) | {"label": name, "source": name}) for name in "ab"]
    tasks = plan(suite, others, 1, Limits(), instances=["*.l0.*"])
    asked = []

    def run(some):
        asked.append([(task.cell.solver, task.cell.instance) for task in some])
        factors = {"a": 1.0, "b": 3.0}
        return [
            record(task.cell.solver, task.cell.instance, factors[task.cell.solver] + k % 3 / 10)
            for k, task in enumerate(some)
        ]

    found, stopped = race(tasks, run, "", seed=0)
    assert [one.solver for one in stopped] == ["b"]
    assert len(asked[0]) == 2 * FIRST_TEST
    assert {solver for part in asked[1:] for solver, _ in part} == {"a"}
    assert {name for part in asked for solver, name in part if solver == "a"} == {
        task.cell.instance for task in tasks
    }
    assert len(found) == sum(map(len, asked))
    again = []
    race(tasks, lambda some: again.append(some) or run(some), "", seed=0)
    assert [[task.cell.instance for task in part] for part in again] == [
        [n for _, n in p] for p in asked[: len(again)]
    ]
