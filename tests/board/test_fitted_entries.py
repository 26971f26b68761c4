"""Entries that fit the public instances alone are told from those that hold on unseen ones."""

import numpy as np
import pytest
from board_fixture import judged, record
from scipy import stats

from mincache import Run, Solution, evaluate, serve
from mincache.board.comparison import public_and_sealed
from mincache.board.runs import gather
from mincache.generation.recipes import Recipe
from mincache.generation.scenario import Scenario
from mincache.generation.sealing import draw_sealed, new_secret
from mincache.generation.suite_writing import generate
from mincache.solving.registry import make

SCENARIO = Scenario(slots=5, users=4)


def constant(instance, order):
    """The answer that caches the models of `order`, as many as fit, in every slot."""
    size, left = instance.models.size_gb, instance.server.storage_gb
    cache = np.zeros((instance.slot_count, instance.model_count), dtype=int)
    for model in order:
        if size[model] <= left:
            cache[:, model], left = 1, left - size[model]
    return serve(instance, cache)


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """Four entries on a public and on a sealed suite: a row by its name."""
    place = tmp_path_factory.mktemp("suites")
    public = generate(
        place / "public",
        "public",
        Recipe(library_seed=3, trace_seed=4, libraries=20, users=(4,), traces=1),
        SCENARIO,
    )
    secret = new_secret("sealed", [SCENARIO], 20, (4,), 1)
    (source,) = secret.sources
    known = source.recipe.model_copy(update={"library_seed": 5, "trace_seed": 6})  # a test has no secrets
    source = source.model_copy(update={"recipe": known})
    sealed = draw_sealed(secret.model_copy(update={"salt": "7" * 64, "sources": (source,)}), place / "sealed")
    seen = list(public)
    optimal = {one.trace.requested_model.tobytes(): solved("decomposition", one) for one in seen}
    orders = np.random.default_rng(1).permuted(np.tile(np.arange(seen[0].model_count), (100, 1)), axis=1)
    tuned = {one.models.size_gb.sum(): min(orders, key=lambda order: cost(one, constant(one, order)))
             for one in seen}  # fmt: skip
    entries = {
        "looked-up": lambda one: optimal.get(
            one.trace.requested_model.tobytes(), Solution.nothing_cached(one)
        ),
        "tuned": lambda one: constant(
            one, tuned[min(tuned, key=lambda size_gb: abs(size_gb - one.models.size_gb.sum()))]
        ),
        "greedy": lambda one: solved("density-greedy", one),
        "exact": lambda one: solved("decomposition", one),
    }
    runs = {
        suite.name: gather(
            (judged(suite, one.name, name, answer(one)).record
             for one in suite for name, answer in entries.items()),
            suite=str(suite.folder),
        )[0]
        for suite in (public, sealed)
    }  # fmt: skip
    return {row["solver"]: row for row in public_and_sealed(runs["public"], runs["sealed"])}


def solved(name, instance):
    """A solver's answer."""
    return make(name).solve(instance, Run.seeded(0))


def cost(instance, solution):
    """What a solution costs."""
    return evaluate(instance, solution).cost


def test_a_planted_entry_is_found(compared):
    """A look-up and orders tuned for each public library are marked; greedy and exact method are not."""
    assert compared["looked-up"]["fitted"]
    assert compared["tuned"]["fitted"]
    assert compared["looked-up"]["public_rank"] == 1 < compared["looked-up"]["sealed_rank"]
    assert not compared["greedy"]["fitted"]
    assert not compared["exact"]["fitted"]
    assert compared["exact"]["sealed_rank"] == 1


@pytest.mark.parametrize("libraries", [2, 6])
def test_the_difference_is_welchs(libraries):
    """Interval and p are those of scipy's test of two samples, by Holm; few libraries tell nothing."""
    rng = np.random.default_rng(5)
    costs = 1.0 + rng.random((2, 2, libraries))  # [suite, entry, library]
    names = [f"i{n}" for n in range(libraries)]
    runs = []
    for suite in range(2):
        records = [record("exact", name, 1.0) for name in names]
        records += [record(f"s{k}", name, costs[suite, k, n]) for k in (0, 1) for n, name in enumerate(names)]
        (one,) = gather(records)
        one.__dict__["libraries"] = list(range(libraries))  # a suite that is not at hand has none
        runs.append(one)
    rows = {row["solver"]: row for row in public_and_sealed(*runs)}
    tests = [stats.ttest_ind(costs[1, k], costs[0, k], equal_var=False) for k in (0, 1)]
    for k, test in enumerate(tests):
        row, spread = rows[f"s{k}"], test.confidence_interval(0.95)
        assert (row["low"], row["high"]) == pytest.approx((spread.low, spread.high))
        assert row["p"] == pytest.approx(
            min(1.0, test.pvalue * (3 if test.pvalue == min(t.pvalue for t in tests) else 2))
        )
        assert (row["fitted"] is None) == (libraries < 6)
