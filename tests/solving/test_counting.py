"""What policies read off past slots."""

import numpy as np
import pytest

import mincache
from mincache.problem.revealed import Site, slot_of
from mincache.solving.counting import packed, saved_by_hits

SMOKE = mincache.load("smoke-v1.l0.n10.t0")


def test_savings_are_differences_of_costs():
    """With steps for everybody, caching one model saves in a slot's evaluation what is said."""
    from dataclasses import replace

    instance = replace(SMOKE, server=replace(SMOKE.server, steps=1e4)).slot(2)
    none = mincache.evaluate(instance, mincache.serve(instance, np.zeros((1, 10)))).cost
    saved = saved_by_hits(Site.of(instance), slot_of(instance, 0))
    for m in range(10):
        one = mincache.evaluate(instance, mincache.serve(instance, np.eye(10)[m][None])).cost
        assert (none - one) * 10 == pytest.approx(saved[m], abs=1e-9)


def test_packing_keeps_to_the_storage():
    """The highest priorities are packed first, and what was never worth anything stays out."""
    site = Site.of(SMOKE)
    cache = packed(site, np.arange(10.0))
    assert cache[9]
    assert not cache[0]
    assert cache @ SMOKE.models.size_gb <= SMOKE.server.storage_gb
