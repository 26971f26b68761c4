"""Denoising chains: the published rates, the posterior that they stand for, and numpy against torch."""

import numpy as np
import pytest
import torch

from mincache.errors import InputError
from mincache.learning.cache_view import fitting_caches
from mincache.learning.denoisers import Denoiser
from mincache.learning.diffusion import chain, denoiser, denoiser_shapes
from mincache.learning.networks import draw_weights
from mincache.views.episodes import Episodes, Scenario

BETA = np.array([0.196, 0.459, 0.636, 0.755, 0.835])
"""The rates of arXiv:2303.13052 for a chain of five steps, to three digits."""


def test_steps_are_the_means_and_deviations_of_the_posterior():
    """With the noise known, a step leads to the mean of q(x_(i-1) | x_i, x_0) of arXiv:2006.11239, (7)."""
    rng = np.random.default_rng(1)
    kept = np.cumprod(1.0 - BETA)
    for i, step in zip(range(4, -1, -1), chain(5), strict=True):
        before = kept[i - 1] if i else 1.0
        origin, noise = rng.normal(size=2)
        x = np.sqrt(kept[i]) * origin + np.sqrt(1.0 - kept[i]) * noise
        mean = np.sqrt(before) * BETA[i] / (1.0 - kept[i]) * origin
        mean += np.sqrt(1.0 - BETA[i]) * (1.0 - before) / (1.0 - kept[i]) * x
        assert step.grown * x - step.removed * noise == pytest.approx(mean, abs=0.02)
        assert step.added**2 == pytest.approx((1.0 - before) / (1.0 - kept[i]) * BETA[i], abs=2e-3)
    assert chain(5)[-1].added == 0.0


def test_numpy_agrees_with_torch():
    """Without noise, both end at the same numbers; the weights have the shapes that are told."""
    network = Denoiser(state_size=3, size=4, hidden=6, steps=5)
    draw_weights(network, np.random.default_rng(1))
    weights = {name: weight.numpy() for name, weight in network.state_dict().items()}
    assert {k: v.shape for k, v in weights.items()} == denoiser_shapes("layers", 5, 3, 6, 4)
    states = np.random.default_rng(2).normal(size=(7, 3)).astype(np.float32)
    ends = network(torch.from_numpy(states), torch.zeros(6, 7, 4)).detach().numpy()
    assert denoiser(weights, "layers", 5, 4)(states) == pytest.approx(ends, rel=1e-4, abs=1e-5)


def test_all_caches_that_fit_are_found():
    """They are those of an enumeration of all subsets."""
    scenario = Scenario(users=2, models=6, slots=1)
    problem = Episodes(scenario, scenario.library(1)).problem
    caches = fitting_caches(problem)
    subsets = {tuple(bool(n >> m & 1) for m in range(6)) for n in range(64)}
    fitting = {s for s in subsets if np.dot(s, problem.models.size_gb) <= problem.server.storage_gb}
    assert set(map(tuple, caches.tolist())) == fitting
    assert len(caches) == len(fitting)


def test_too_many_caches_are_refused():
    """One line says which of the learners needs no list of them."""
    scenario = Scenario(users=2, models=20, slots=1, storage_gb=200.0)
    with pytest.raises(InputError, match="library: must have at most 4096 caches that fit"):
        fitting_caches(Episodes(scenario, scenario.library(1)).problem)
