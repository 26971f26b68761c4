"""Expected losses, against sums over all requests and against sampled slots."""

import itertools

import numpy as np
import pytest
from chains import drawn

from mincache.errors import InputError
from mincache.exact.expected_losses import expected_losses, realised_losses
from mincache.problem.revealed import ShownSlot, Site


@pytest.mark.parametrize("steps", [120.0, 420.0, 2000.0])
def test_expected_losses_are_the_sums_over_all_requests(steps):
    """Weighing the exact loss of every possible slot of 3 users by its probability gives the same."""
    instance, known = drawn(steps=steps)
    site, total = Site.of(instance), 0.0
    found = expected_losses(site, known)
    mean = np.full(3, known.mean_input_bits)
    for requested in itertools.product(range(4), repeat=3):
        slot = ShownSlot(0, np.array(requested), mean, np.full(3, 1e-9))
        chance = known.probability[:, list(requested)].prod(axis=1)
        total = total + chance[:, None] * realised_losses(site.instance(slot), found.sets.member)
    assert found.loss == pytest.approx(total, rel=1e-7)  # a limit is forgiven 1e-9


def test_sampled_slots_agree():
    """Against 1,500 sampled slots of 18 users, no mean differs by five standard errors."""
    instance, known = drawn(models=8, users=18, steps=700, slots=1500)
    found = expected_losses(Site.of(instance), known)
    picked = np.arange(0, len(found.sets.member), 4)
    lost, state = realised_losses(instance, found.sets.member[picked]), known.states(instance.trace)
    for g in range(4):
        differs = lost[state == g] - lost[state == g][:, :1]
        error = differs.std(axis=0) / np.sqrt(len(differs))
        expected = found.loss[g, picked] - found.loss[g, 0]
        assert (abs(differs.mean(axis=0) - expected) <= 5 * error + 1e-9).all()


def test_loading_costs_those_who_wait():
    """Loading a model costs its size times the seconds a GB, for each user who is likely to ask."""
    instance, known = drawn(loading_s_per_gb=2.0)
    wait = 0.7 * 2.0 * instance.models.size_gb
    assert expected_losses(Site.of(instance), known).load == pytest.approx(3 * known.probability * wait)


@pytest.mark.parametrize(
    ("fields", "rule"), [({"steps_floor": 0.5}, "steps_floor"), ({"models": 20, "storage_gb": 400}, "caches")]
)
def test_floors_and_too_many_caches_are_refused(fields, rule):
    """What the sum does not cover is refused in a line."""
    instance, known = drawn(**fields)
    with pytest.raises(InputError, match=rule):
        expected_losses(Site.of(instance), known)
