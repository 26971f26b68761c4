"""The online policies: feasible, causal, and each equal to its rule written otherwise."""

from dataclasses import replace

import numpy as np
import pytest

import mincache
from mincache.analysis.online_references import online_references
from mincache.generation import suites
from mincache.problem.revealed import Site, slot_of
from mincache.solving import registry
from mincache.solving.online import play

NAMES = [
    "static", "bayes", "online-lfu", "online-lru", "greedy-dual", "perturbed-leader", "fixed-share",
    "decayed-costs",
]  # fmt: skip
SMOKE = mincache.load("smoke-v1.l0.n10.t0")


def caches(spec, instance, seed=0):
    """Return the caches that a policy places on an instance, bool [T, M]."""
    solver, site = registry.make(spec), Site.of(instance, suites.popularity(SMOKE))
    slots = (slot_of(instance, t) for t in range(instance.slot_count))
    policy = solver.begin(site, mincache.Run.seeded(seed))
    return play(policy, solver.information, lambda cache: next(slots), instance.name).cache != 0


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("instance", ["smoke-v1.l0.n18.t0", "loading-v1.l0.n10.t0"])
def test_policies_answer_feasibly(name, instance):
    """Every policy answers with and without loading, and keeps the limits."""
    assert mincache.solve(mincache.load(instance), name).evaluation.feasible


@pytest.mark.parametrize("name", NAMES)
def test_policies_do_not_look_ahead(name):
    """Requests of later slots change no earlier cache."""
    requested = SMOKE.trace.requested_model.copy()
    requested[4:] = 9 - requested[4:]
    other = replace(SMOKE, trace=replace(SMOKE.trace, requested_model=requested))
    assert np.array_equal(caches(name, SMOKE)[:5], caches(name, other)[:5])


@pytest.mark.parametrize(("online", "old"), [("online-lfu", "lfu"), ("online-lru", "lru")])
def test_counts_and_recency_are_those_of_the_old_rows(online, old):
    """The caches of `lru` are those of the row `lru`; those of `lfu` have as many past requests."""
    instance = mincache.load("paper-v1.l0.n10.t0")
    new, known = (mincache.solve(instance, name).solution.cache for name in (online, old))
    if old == "lru":
        assert np.array_equal(new, known)
    asked = np.cumsum([np.bincount(row, minlength=10) for row in instance.trace.requested_model], axis=0)
    assert ((new[1:] * asked[:-1]).max(axis=1) == (known[1:] * asked[:-1]).max(axis=1)).all()


@pytest.mark.parametrize(("solver", "level"), [("bayes", "hidden"), ("static", "static")])
def test_policies_reach_their_references(solver, level):
    """`bayes` and `static` cost what the references of their names do."""
    instance = mincache.load("loading-v1.l1.n10.t0")
    found = online_references(instance, suites.popularity(instance))[level]
    assert mincache.solve(instance, solver).evaluation.cost == pytest.approx(found.realised, rel=1e-12)


def test_decay_zero_is_the_best_cache_of_the_last_slot():
    """Without memory or loading, the cache is the one that would have been best in the slot before."""
    placed = caches("decayed-costs[decay=0]", SMOKE)
    for t in range(1, SMOKE.slot_count):
        slot = SMOKE.slot(t - 1)
        best = mincache.solve(slot, "decomposition").evaluation.cost
        reached = mincache.evaluate(slot, mincache.serve(slot, placed[t][None])).cost
        assert reached == pytest.approx(best, rel=1e-9)


def test_leader_without_noise_is_full_decay():
    """Follow-the-leader is both the unperturbed leader and decayed costs that do not decay."""
    plain = caches("perturbed-leader[noise=0]", SMOKE)
    assert np.array_equal(plain, caches("decayed-costs[decay=1]", SMOKE))
    assert not np.array_equal(plain, caches("perturbed-leader[noise=50]", SMOKE))


def test_greedy_dual_holds_what_was_asked_for_last():
    """The model of the last user of a slot, just brought in, is in the next cache if its size allows."""
    placed = caches("greedy-dual", SMOKE)
    last = SMOKE.trace.requested_model[:-1, -1]
    assert placed[np.arange(1, SMOKE.slot_count), last].all()


ODD = ("decayed-costs[decay=2]", "decayed-costs[horizon_slots=0]",
       "decayed-costs[horizon_slots=inf]", "fixed-share[share=-1]", "fixed-share[rate=0]",
       "fixed-share[rate=1e308]", "perturbed-leader[noise=-1]", "perturbed-leader[noise=1e308]")  # fmt: skip


@pytest.mark.parametrize("spec", ODD)
def test_parameters_out_of_range_are_refused(spec):
    """A parameter that means nothing is refused at its name."""
    with pytest.raises(mincache.InputError):
        registry.make(spec)
