"""The vector view: every point becomes feasible decisions, in the way its repair promises."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mincache import InputError, evaluate_batch
from mincache.generation.scenario import Scenario
from mincache.generation.suites import find_instance
from mincache.problem.instance import Rules
from mincache.views.vector import REPAIRS, VectorView

SMOKE = find_instance("smoke-v1.l0.n18.t0")
RULED = replace(SMOKE, rules=Rules(frame_slots=3, loading_s_per_gb=0.5, steps_floor=0.3))


def genes(*values: float) -> np.ndarray:
    """A point for one slot."""
    return np.array([values])


@pytest.fixture
def two_by_two():
    """One slot, two users, two models, with storage for either model but not for both."""
    scenario = Scenario(users=2, models=2, slots=1, storage_gb=5, size_gb=(3, 4), steps=250)
    return scenario.instance("small", scenario.library(1), scenario.trace(1, "test"))


@pytest.mark.parametrize("repair", REPAIRS)
@pytest.mark.parametrize("instance", [SMOKE, RULED], ids=["smoke", "rules"])
@given(seed=st.integers(0, 2**32 - 1), corner=st.booleans())
@settings(max_examples=15, deadline=None)
def test_every_point_is_feasible(repair, instance, seed, corner):
    """Points anywhere in the cube, corners included, give feasible decisions."""
    view = VectorView(repair)
    points = np.random.default_rng(seed).random((4, instance.slot_count, view.apply(instance)))
    points = np.round(points) if corner else points
    assert evaluate_batch(instance, view.invert(instance, points)).feasible.all()


def test_storage_goes_to_the_highest_gene(two_by_two):
    """Of two wanted models that do not fit together, the one with the higher gene is cached."""
    cache = VectorView().invert(two_by_two, genes(0.6, 0.7, 0.5, 0.5, 0, 0)).cache
    assert cache.tolist() == [[False, True]]


def test_genes_below_a_half_cache_nothing(two_by_two):
    """A model is cached only if its gene is at least one half."""
    cache = VectorView().invert(two_by_two, genes(0.49, 0.5, 0.5, 0.5, 0, 0)).cache
    assert cache.tolist() == [[False, True]]


def test_shares_are_scaled_only_above_one(two_by_two):
    """Shares that sum to less than one stay, those that sum to more are divided by their sum."""
    decisions = VectorView().invert(two_by_two, genes(0, 0, 0.2, 0.3, 1.0, 0.6))
    assert decisions.bandwidth_share == pytest.approx(np.array([[0.2, 0.3]]))
    assert decisions.step_share == pytest.approx(np.array([[1 / 1.6, 0.6 / 1.6]]))


def test_priority_serve_gives_all_or_nothing(two_by_two):
    """With steps for one user only, the hit with the higher step gene gets A3 and the other nothing."""
    requested = two_by_two.trace.requested_model[0]
    cached = np.isin([0, 1], requested[:1]) * 0.9  # the model that user 0 asks for
    steps = VectorView("priority-serve").invert(two_by_two, genes(*cached, 0.5, 0.5, 0.8, 0.9)).step_share[0]
    hits = requested == requested[0]
    served = int(np.flatnonzero(hits)[np.argmax(np.array([0.8, 0.9])[hits])])
    needed = two_by_two.models.steps_saturation[requested[served]] / two_by_two.server.steps
    assert steps[served] == pytest.approx(needed)
    assert np.delete(steps, served) == pytest.approx(0.0)


def test_an_unknown_repair_is_refused_by_name():
    """The refusal lists the repairs that there are."""
    with pytest.raises(InputError, match="must be one of threshold-priority, priority-serve"):
        VectorView("magic")
