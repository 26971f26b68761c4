"""Online solvers: what the loop shows to a policy, when, and what it takes from it."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

import mincache
from mincache.errors import InputError
from mincache.problem.revealed import Shares, Site, slot_of
from mincache.solving.online import OnlinePolicy, OnlineSolver, packed, saved_by_hits

CALLS = []


class Recorder(OnlinePolicy):
    """Note what is called with what, and cache the model that was asked for first in the last slot."""

    last = None

    def place(self):
        """Return the cache."""
        CALLS.append("place")
        cache = np.zeros(self.site.model_count)
        if self.last is not None:
            cache[self.last] = 1
        return cache

    def observe(self, slot):
        """Remember the slot."""
        CALLS.append(f"observe {slot.number}")
        self.last = slot.requested_model[0]


@dataclass(frozen=True)
class Past(OnlineSolver):
    """Of level past."""

    def begin(self, site, run):
        """Return the policy."""
        CALLS.clear()
        return Recorder(site)


@dataclass(frozen=True)
class Seeing(Past):
    """Of level slot."""

    information = "slot"


SMOKE = mincache.load("smoke-v1.l0.n10.t0")


def test_past_places_before_a_slot_is_shown():
    """At level past, each slot's cache is placed before the slot is observed."""
    found = Past().solve(SMOKE, mincache.Run.seeded(0))
    assert CALLS[:4] == ["place", "observe 0", "place", "observe 1"]
    first = SMOKE.trace.requested_model[:, 0]
    assert not found.cache[0].any()
    assert (found.cache[1:].argmax(axis=1) == first[:-1]).all()


def test_slot_sees_its_slot_and_no_later_one():
    """At level slot, each slot is observed before its cache is placed, and no later one."""
    found = Seeing().solve(SMOKE, mincache.Run.seeded(0))
    assert CALLS[:4] == ["observe 0", "place", "observe 1", "place"]
    assert (found.cache.argmax(axis=1) == SMOKE.trace.requested_model[:, 0]).all()


def test_later_slots_do_not_matter():
    """Two instances that differ in later slots alone get the same decisions before them."""
    requested = SMOKE.trace.requested_model.copy()
    requested[5:] = 9 - requested[5:]
    other = replace(SMOKE, trace=replace(SMOKE.trace, requested_model=requested))
    one, two = (Past().solve(instance, mincache.Run.seeded(0)) for instance in (SMOKE, other))
    assert np.array_equal(one.cache[:6], two.cache[:6])
    assert np.array_equal(one.step_share[:5], two.step_share[:5])
    assert not np.array_equal(one.cache, two.cache)


def test_default_service_is_the_best_there_is():
    """Without a service of its own, a policy's caches are served as `mincache.serve` does."""
    found = mincache.solve(SMOKE, Past)
    best = mincache.evaluate(SMOKE, mincache.serve(SMOKE, found.solution.cache))
    assert found.evaluation.feasible
    assert found.evaluation.cost == pytest.approx(best.cost, rel=1e-12)


def test_caches_are_held_for_frames():
    """Where the cache is held for frames, a policy places one a frame, and the answer is feasible."""
    instance = replace(SMOKE, rules=replace(SMOKE.rules, frame_slots=4))
    found = mincache.solve(instance, Past)
    assert found.evaluation.feasible
    assert CALLS.count("place") == 3


def test_policies_may_serve_by_themselves():
    """Shares that a policy returns are those of the answer."""

    class Equal(Recorder):
        def serve(self, slot):
            return Shares(np.full(10, 0.1), np.zeros(10))

    @dataclass(frozen=True)
    class Own(OnlineSolver):
        def begin(self, site, run):
            return Equal(site)

    assert (mincache.solve(SMOKE, Own).solution.bandwidth_share == 0.1).all()


@pytest.mark.parametrize("cache", [0.5 * np.ones(10), np.ones(9), "all", [[1] * 10]])
def test_what_is_no_cache_is_refused(cache):
    """A cache of another shape or other values is refused in one line."""

    class Odd(OnlinePolicy):
        def place(self):
            return cache

    @dataclass(frozen=True)
    class OddSolver(OnlineSolver):
        def begin(self, site, run):
            return Odd(site)

    with pytest.raises(InputError, match="cache"):
        OddSolver().solve(SMOKE, mincache.Run.seeded(0))


@pytest.mark.parametrize("policy", [None, 5, Recorder])
def test_what_is_no_policy_is_refused(policy):
    """`begin` returns a policy: its class, or nothing, is told as that."""

    @dataclass(frozen=True)
    class Odd(OnlineSolver):
        def begin(self, site, run):
            return policy

    with pytest.raises(InputError, match="policy: must be an OnlinePolicy"):
        Odd().solve(SMOKE, mincache.Run.seeded(0))


def test_solvers_that_need_the_chain_say_so():
    """A solver that is told the popularity declines an instance of which nobody knows it."""

    @dataclass(frozen=True)
    class Told(Past):
        told_popularity = True

    assert Told().supports(SMOKE) is None
    assert "popularity" in Told().supports(replace(SMOKE, name="mine"))


def test_rules_are_kept_or_declined():
    """A floor on steps, which exact service cannot always keep, is declined by default."""
    instance = replace(SMOKE, rules=replace(SMOKE.rules, steps_floor=0.5))
    assert "steps_floor" in Past().supports(instance)


def test_savings_are_differences_of_costs():
    """With steps for everybody, caching one model saves in a slot's evaluation what is said."""
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
