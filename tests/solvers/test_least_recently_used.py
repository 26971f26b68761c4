"""The cache that evicts what nobody asked for longest."""

from dataclasses import replace

import numpy as np
import pytest

from mincache import Run, Scenario
from mincache.problem.instance import Rules
from mincache.solving import registry

SCENARIO = Scenario(users=3, models=8, slots=40, size_gb=(4, 4), storage_gb=12.5)
INSTANCE = SCENARIO.instance("equal", SCENARIO.library(0), SCENARIO.trace(2, "test"))


def cached(instance):
    """The solver's cache, [T, M]."""
    return registry.make("lru").solve(instance, Run.seeded(0)).cache


def test_it_is_a_cache_that_evicts():
    """With room for three models, it is the textbook's list, a slot's most popular model used last."""
    counts, used = dict.fromkeys(range(8), 0), []
    for t, requests in enumerate(INSTANCE.trace.requested_model.tolist()):
        assert set(np.flatnonzero(cached(INSTANCE)[t]).tolist()) == set(used)
        for m in requests:
            counts[m] += 1
        for m in sorted(set(requests), key=lambda m: (counts[m], -m)):
            used = [other for other in used if other != m] + [m]
        used = used[-3:]


def test_ties_go_to_popularity_by_hand():
    """Of models 0 and 1, asked for at once in slot 1, model 1 had been asked for before: it stays."""
    scenario = SCENARIO.model_copy(update={"slots": 3, "users": 2, "storage_gb": 4.5})
    trace = replace(scenario.trace(0, "test"), requested_model=np.array([[1, 1], [0, 1], [5, 5]]))
    cache = cached(scenario.instance("hand", scenario.library(0), trace))
    assert [np.flatnonzero(row).tolist() for row in cache] == [[], [1], [1]]


@pytest.mark.parametrize("frame", [1, 4])
def test_the_present_decides_nothing(frame):
    """However the requests go on from a frame's first slot, the cache there is the same."""
    framed = replace(INSTANCE, rules=Rules(frame_slots=frame))
    requested = framed.trace.requested_model.copy()
    requested[20:] = (requested[20:] + 1) % 8
    other = replace(framed, trace=replace(framed.trace, requested_model=requested))
    assert (cached(framed)[: 20 + frame] == cached(other)[: 20 + frame]).all()
    assert (cached(framed)[20 + frame :] != cached(other)[20 + frame :]).any()
    assert not cached(framed)[:frame].any()
