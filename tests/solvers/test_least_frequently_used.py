"""The cache that evicts what was asked for least often."""

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
    return registry.make("lfu").solve(instance, Run.seeded(0)).cache


def test_it_is_a_cache_that_evicts():
    """With room for three models, it holds what one slot after another leaves of the cache before it."""
    counts, latest, held = dict.fromkeys(range(8), 0), dict.fromkeys(range(8), -1), set()
    for t, requests in enumerate(INSTANCE.trace.requested_model.tolist()):
        assert set(np.flatnonzero(cached(INSTANCE)[t]).tolist()) == held
        for m in requests:
            counts[m], latest[m] = counts[m] + 1, t
        held |= set(requests)
        while len(held) > 3:
            held.remove(min(held, key=lambda m: (counts[m], latest[m], -m)))


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
