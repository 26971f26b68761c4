"""The reference values of the standard suites."""

import hashlib
import itertools

import numpy as np
import pytest

from mincache import Run, evaluate
from mincache.analysis.features import features
from mincache.generation.suites import find, standard_names
from mincache.solving import registry

CLOSED, OPEN = "open-v1", "open-v2"
SAMPLED = {"paper-v1": 1, "smoke-v1": 1, "scale-v1": 8, "campus-v1": 2} | dict.fromkeys(
    ("diverse-v1", "online-v1", "online-scarce-v1", "online-loading-v1"), 12
)
"""Every how many instances of a suite are solved again; every third by default."""


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Instances that are drawn on first use go to a folder of the test's own."""
    monkeypatch.setenv("MINCACHE_CACHE", str(tmp_path))


@pytest.mark.parametrize("name", [name for name in standard_names() if name not in (CLOSED, OPEN)])
def test_references_are_the_exact_optimum(name):
    """Best known cost and lower bound hold the cost that the exact method's solution is priced at."""
    suite, exact = find(name), registry.make("decomposition")
    for entry in itertools.islice(suite.entries.values(), 0, None, SAMPLED.get(name, 3)):
        instance, run = suite.read(entry.name), Run.seeded(0)
        cost = evaluate(instance, exact.solve(instance, run)).cost
        assert entry.best_known == pytest.approx(cost, rel=1e-9)
        assert entry.lower_bound == pytest.approx(cost, rel=1e-9)


@pytest.mark.parametrize("name", ["campus-v1", "diverse-v1", "online-v1", "open-v2"])
def test_what_is_kept_as_a_recipe_is_drawn_to_its_hash(name):
    """Each instance that stands in no file has the SHA-256 that the suite lists."""
    suite = find(name)
    for entry in suite.entries.values():
        assert hashlib.sha256(suite.place(entry.name).document()).hexdigest() == entry.sha256


@pytest.mark.parametrize("name", standard_names())
def test_every_reference_says_where_it_is_from(name):
    """Each instance has a best known cost and a lower bound not above it, and the suite says by what."""
    suite = find(name)
    assert suite.content.purpose
    assert "evaluator 1" in suite.content.references
    assert all(entry.lower_bound <= entry.best_known for entry in suite.entries.values())
    assert all(entry.status and entry.cost_from and entry.bound_from for entry in suite.entries.values())


def test_the_open_suite_is_closed():
    """Each bound of open-v1 meets its best known cost to 1e-9, and is proven."""
    entries = find(CLOSED).entries.values()
    assert len(entries) >= 10
    assert all(entry.best_known - entry.lower_bound <= 1e-9 * entry.best_known for entry in entries)
    assert {entry.status for entry in entries} == {"proven"}


def test_the_second_open_suite_is_open():
    """No bound of open-v2 meets its best known cost; both say who found them and how."""
    entries = find(OPEN).entries.values()
    assert len(entries) >= 8
    assert all(entry.best_known - entry.lower_bound > 1e-6 * entry.best_known for entry in entries)
    assert all(entry.status == "open" and entry.cost_from and entry.bound_from for entry in entries)


def test_the_campus_has_walkers_regimes_and_neighbours_who_are_alike():
    """In campus-v1 channels change step by step, popularity changes its order, and requests are alike."""
    instance = find("campus-v1").read("campus-v1.l0.n12.t0")
    requested, order = instance.trace.requested_model, instance.trace.popularity_order
    assert (instance.slot_count, instance.rules.frame_slots) == (200, 5)
    assert set(np.unique(order)) == {0, 1, 2, 3}
    assert 0 < np.count_nonzero(np.diff(order)) < 40
    neighbours = (requested[:, 1:] == requested[:, :-1]).mean()
    strangers = (requested[:, 4:] == requested[:, :-4]).mean()
    assert neighbours - strangers > 0.3
    spread_db = np.log10(instance.trace.channel_gain)
    next_slot, later = (
        np.corrcoef(spread_db[:-gap].ravel(), spread_db[gap:].ravel())[0, 1] for gap in (1, 60)
    )
    assert next_slot > later + 0.1


@pytest.mark.parametrize("instance", list(find("scarce-v1"))[::4], ids=lambda instance: instance.name)
def test_each_resource_binds_in_the_scarce_suite(instance):
    """Caching nothing, equal bandwidth shares, or a server without steps costs 3 % or more in scarce-v1."""
    found = features(instance)
    assert found.storage_tightness > 1
    assert found.steps_tightness > 1
    assert min(found.caching_worth, found.bandwidth_worth, found.steps_worth) >= 0.03


@pytest.mark.parametrize("name", ["loading-v1", "frames-v1", "floor-v1"])
def test_another_method_agrees(name):
    """HiGHS comes to the same optimum of an instance with rules as the exact method."""
    suite = find(name)
    entry = next(iter(suite.entries.values()))
    run = Run.seeded(0)
    cost = evaluate(suite.read(entry.name), registry.make("highs").solve(suite.read(entry.name), run)).cost
    assert cost == pytest.approx(entry.best_known, rel=1e-7)
    assert run.bound == pytest.approx(entry.best_known, rel=1e-7)
