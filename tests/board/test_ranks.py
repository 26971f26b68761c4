import numpy as np
import pytest
from board_fixture import record, tables

from mincache.board.ranks import ranks, too_few_seeds
from mincache.board.standing import standings


def _standing(records):
    (standing,) = standings(records)
    return standing, {standing.labels[who]: who for who in standing.results}


def _stochastic(solver, costs):
    return [record(solver, i, cost, n) for i in "ab" for n, cost in enumerate(costs)]


STEADY = [record("steady", "a", 10.0), record("steady", "b", 10.0)]


def test_solvers_that_the_seeds_cannot_tell_apart_share_ranks():
    """Equal runs in another order overlap; the one far behind does not."""
    costs = [11, 12, 13, 14, 15, 16, 17, 18, 19, 20]
    records = [
        *STEADY,
        *_stochastic("x", costs),
        *_stochastic("y", costs[::-1]),
        *_stochastic("z", [30] * 10),
    ]
    standing, who = _standing(records)
    held = ranks(standing)
    assert held[who["steady"]].ranks == (1, 1)
    assert held[who["x"]].ranks == held[who["y"]].ranks == (2, 3)
    assert held[who["z"]].ranks == (4, 4)


def test_the_interval_of_the_gap_holds_the_mean():
    """Gaps of 10 to 100 % have their mean of 55 % inside, and a steady solver has no width."""
    standing, who = _standing([*STEADY, *_stochastic("x", [11, 12, 13, 14, 15, 16, 17, 18, 19, 20])])
    held = ranks(standing)
    low, high = held[who["x"]].gap
    assert 0.40 < low < 0.55 < high < 0.70
    assert held[who["steady"]].gap == (0.0, 0.0)


def test_too_few_seeds_are_not_ranked():
    """Nine runs of a stochastic solver are too few, and it takes no rank from the others."""
    standing, who = _standing([*STEADY, *_stochastic("few", [5] * 9)])
    assert too_few_seeds(standing, who["few"])
    assert ranks(standing).keys() == {who["steady"]}
    assert ranks(standing)[who["steady"]].ranks == (1, 1)


def test_one_run_of_a_solver_that_says_it_is_stochastic_is_too_few():
    """What the records say of the solver counts where the number of runs shows nothing."""
    one = record("coy", "a", 11.0).model_copy(update={"environment": {"stochastic": True}})
    standing, who = _standing([*STEADY, one])
    assert too_few_seeds(standing, who["coy"])
    assert not too_few_seeds(standing, who["steady"])


def test_rounding_gives_no_rank():
    """Costs that differ in the last digits share the rank, and the rows then stand by name."""
    (shown,) = tables([record("b", "one", 10.0), record("a", "one", 10.0 + 1e-13), record("c", "one", 10.1)])
    assert [(row.solver, *row.rank.ranks) for row in shown.rows] == [
        ("a", 1, 1), ("b", 1, 1), ("c", 3, 3),
    ]  # fmt: skip


def test_intervals_are_as_wide_as_new_seeds_would_make_them():
    """With ten runs an instance the draws vary by the unbiased variance of the mean, not by 9/10 of it."""
    rng = np.random.default_rng(1)
    runs = {name: 10.0 + rng.random(10) for name in map(str, range(40))}
    steady = [record("steady", name, 10.0) for name in runs]
    noisy = [record("x", name, cost, n) for name, costs in runs.items() for n, cost in enumerate(costs)]
    standing, who = _standing([*steady, *noisy])
    low, high = ranks(standing)[who["x"]].gap
    variance = np.mean([np.var(costs / 10.0, ddof=1) / 10 for costs in runs.values()]) / len(runs)
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(variance), rel=0.03)


def test_runs_without_a_verified_answer_are_no_seeds():
    """Ten runs of which one failed are nine seeds."""
    failed = record("few", "a", 9.0, 9, verdict="infeasible")
    runs = [record("few", i, 9.0 + n, n) for i in "ab" for n in range(10) if (i, n) != ("a", 9)]
    standing, who = _standing([*STEADY, *runs, failed])
    assert too_few_seeds(standing, who["few"])
