"""The solvers that the reproduction brings: bounds on the hit ratio, equal bandwidth, HCRAS' decoders."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import instances

from mincache import Run, Solution, evaluate
from mincache.generation.suites import find_instance
from mincache.paper import paper_solvers
from mincache.paper.claims import EQUAL_BANDWIDTH, MOST_HITS
from mincache.paper.studies import HCRAS_SPEC, SPECS
from mincache.paper.study_folder import SIZES
from mincache.solving import registry
from mincache.views import vector


@given(instances())
def test_most_hits_is_the_most(instance):
    """No set of models that fits has more hits in any slot, tried one by one."""
    cache = registry.make(SPECS[MOST_HITS]).solve(instance, Run.seeded(0)).cache
    storage = instance.server.storage_gb
    subsets = [np.array(c) for c in itertools.product([False, True], repeat=instance.model_count)]
    fitting = [subset for subset in subsets if instance.models.size_gb[subset].sum() <= storage]
    for t, requested in enumerate(instance.trace.requested_model):
        most = max(subset[requested].sum() for subset in fitting)
        assert cache[t].astype(bool)[requested].sum() == most


def test_equal_bandwidth_is_between_the_optimum_and_the_rest():
    """It differs from the optimum in the bandwidth alone, and so in nothing but the upload."""
    instance = find_instance("smoke-v1.l0.n18.t0")
    best, equal = (
        registry.make(spec).solve(instance, Run.seeded(0))
        for spec in ("decomposition", SPECS[EQUAL_BANDWIDTH])
    )
    assert np.unique(equal.bandwidth_share) == pytest.approx([1 / 18])
    assert (best.cache == equal.cache).all()
    scores = [evaluate(instance, solution) for solution in (best, equal)]
    difference = instance.preference_weight * (scores[1].mean_upload_s - scores[0].mean_upload_s)
    assert scores[1].cost - scores[0].cost == pytest.approx(difference, rel=1e-6)
    assert difference > 0


@pytest.mark.parametrize("name", paper_solvers.DECODERS)
@given(instance=instances(), seed=st.integers(0, 1000))
def test_decoders_give_feasible_decisions(name, instance, seed):
    """Whatever the chromosome, the limits hold and everyone is served."""
    genes = vector.VectorView().apply(instance)
    points = np.random.default_rng(seed).random((instance.slot_count, genes))
    decided = paper_solvers.DECODERS[name](instance, points)
    assert not evaluate(instance, Solution.of(instance, decided)).violations


def test_sum_to_one_and_hits_alone():
    """One decoder always gives all steps away; the other none to misses."""
    instance = find_instance("smoke-v1.l0.n10.t0")
    genes = vector.VectorView().apply(instance)
    points = 0.05 * np.random.default_rng(1).random((instance.slot_count, genes))
    points[:, : instance.model_count] += 0.6
    everything = paper_solvers.sum_to_one(instance, points)
    assert everything.step_share.sum(axis=-1) == pytest.approx(1.0)
    assert everything.bandwidth_share.sum(axis=-1) == pytest.approx(1.0)
    alone = paper_solvers.hits_alone(instance, points)
    hit = np.take_along_axis(alone.cache, instance.trace.requested_model, axis=1).astype(bool)
    assert hit.any()
    assert not alone.step_share[~hit].any()
    assert (alone.step_share[hit] > 0).all()


def test_hcras_takes_every_decoder(monkeypatch):
    """HCRAS runs with each decoder of the table, and with `genetic`'s own one does what `genetic` does."""
    monkeypatch.setattr(vector, "REPAIRS", dict(vector.REPAIRS))
    instance = find_instance("smoke-v1.l0.n10.t0")
    sizes = "population=4,generations=2"
    for name in SIZES["full"].decoders:
        solver = registry.make(f"{HCRAS_SPEC}[decoder={name},{sizes}]")
        assert evaluate(instance, solver.solve(instance, Run.seeded(1))).feasible
    own = registry.make(f"{HCRAS_SPEC}[decoder=priority-serve,{sizes}]").solve(instance, Run.seeded(1))
    genetic = registry.make(f"genetic[repair=priority-serve,{sizes}]").solve(instance, Run.seeded(1))
    assert (own.step_share == genetic.step_share).all()


def test_random_allocation_over_hits():
    """RCARS can split the steps over its hits: they share all of them equally, and misses get none."""
    instance = find_instance("smoke-v1.l0.n10.t0")
    over_all, over_hits = (
        registry.make(f"random-allocation[steps_over={who}]").solve(instance, Run.seeded(3))
        for who in ("all", "hits")
    )
    assert (over_all.cache == over_hits.cache).all()
    hit = np.take_along_axis(over_hits.cache, instance.trace.requested_model, axis=1).astype(bool)
    assert not over_hits.step_share[~hit].any()
    for shares, hits in zip(over_hits.step_share, hit, strict=True):
        assert shares[hits] == pytest.approx(1 / max(1, hits.sum()))
