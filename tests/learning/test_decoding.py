"""Decoding: scores that say what is optimal give the optimal cache, and candidates only help."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mincache import Solution, evaluate, evaluate_batch
from mincache.exact import optimum
from mincache.generation.scenario import Scenario
from mincache.learning.decoding import Scores, decide

SCENARIO = Scenario(users=8, slots=6)
INSTANCE = SCENARIO.instance("one", SCENARIO.library(3), SCENARIO.trace(3, "one"))
SHAPE = (INSTANCE.slot_count, INSTANCE.model_count)


def test_the_optimum_said_in_scores_is_decoded():
    """Cache and bandwidth come back as they were said; steps cost at most the one user served in part."""
    best = optimum(INSTANCE).solution
    asks = INSTANCE.trace.requested_model[..., None] == np.arange(SHAPE[1])
    served = (best.step_share[..., None] * asks).max(axis=1)
    scores = Scores(best.cache, best.cache - 0.5, served - 1e-9, np.log(best.bandwidth_share))
    decisions = decide(INSTANCE, scores)
    assert (decisions.cache == best.cache).all()
    assert np.allclose(decisions.bandwidth_share, best.bandwidth_share)
    ours = evaluate(INSTANCE, Solution.of(INSTANCE, decisions))
    assert ours.feasible
    assert ours.cost <= 1.01 * evaluate(INSTANCE, best).cost


@given(st.integers(0, 2**31), st.integers(2, 30))
def test_candidates_never_cost_more(seed, count):
    """Of any scores, several candidates are feasible and in no slot dearer than the first alone."""
    rng = np.random.default_rng(seed)
    scores = Scores(*(rng.normal(size=SHAPE) for _ in range(3)), rng.normal(size=(SHAPE[0], 8)))
    one, several = (evaluate_batch(INSTANCE, decide(INSTANCE, scores, n)) for n in (1, count))
    assert several.feasible
    assert (several.slot_cost <= one.slot_cost * (1 + 1e-12)).all()


def test_what_is_not_wanted_or_asked_for_is_not_cached():
    """Only requested models with a score of at least 0 are cached, the highest first as long as they fit."""
    requested = (INSTANCE.trace.requested_model[..., None] == np.arange(SHAPE[1])).any(axis=1)
    order = np.broadcast_to(np.arange(10.0), SHAPE)
    want = np.where(np.arange(10) % 2, 1.0, -1.0) * np.ones(SHAPE)
    cache = decide(INSTANCE, Scores(order, want, order, np.zeros((SHAPE[0], 8)))).cache
    assert not cache[~requested | (want < 0)].any()
    for t in range(SHAPE[0]):
        free = INSTANCE.server.storage_gb
        for m in range(9, -1, -1):
            fits = requested[t, m] and want[t, m] > 0 and INSTANCE.models.size_gb[m] <= free
            assert cache[t, m] == fits
            free -= INSTANCE.models.size_gb[m] * fits
