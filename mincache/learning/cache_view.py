"""Agents that choose caches alone: for each cache, the exact method finds bandwidth, steps and price."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mincache.errors import InputError
from mincache.exact import serve_batch
from mincache.exact.cache_sets import CacheSets
from mincache.learning.slot_sets import cheapest
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.problem.requests import demand
from mincache.problem.solution import Decisions
from mincache.solving.feasible import fill_cache
from mincache.views.agent_view import AgentView, check_actions

MOST_CACHES = 4096


def fitting_caches(instance: Instance) -> Array:
    """Return every cache that the storage holds, bool [S, M], the empty one first; refuse too many."""
    found = CacheSets.that_fit(instance.models.size_gb, instance.server.storage_gb, MOST_CACHES)
    if found is None:
        rule = f"must have at most {MOST_CACHES} caches that fit, the actions of the agent"
        raise InputError("library", rule, f"more, with {instance.model_count} models", "train droo or ddpg")
    return found.member


@dataclass(frozen=True)
class ChosenCacheView(AgentView):
    """As `AgentView`, but what is cached is exactly the models with a score above 0, which must fit."""

    @property
    def versions(self) -> tuple[str, str]:
        """Name and version of what it sees and of how it decides."""
        observation, action = super().versions
        return observation, f"chosen-cache/1 {action}"

    def invert(self, instance: Instance, raw: Array, cache: Array | None = None) -> Decisions:
        """Return the feasible decisions of raw actions [..., T, M + 2N] in [-1, 1], finite."""
        chosen = raw[..., : instance.model_count] > 0.0 if cache is None else cache
        return super().invert(instance, raw, chosen)


@dataclass(frozen=True)
class CacheView(AgentView):
    """Actions are a score for each model, in [-1, 1]; of the caches that they stand for, the cheapest counts.

    Attributes:
        candidates: caches that are priced for each slot, at most one a model. The first has the requested
            models with a score of at least 0. Further ones are those of the order-preserving quantisation of
            arXiv:1808.01977, (8) and (9): each has another model's score as its threshold, those nearest to
            0 first. Of a candidate that is too large, models are cached in order of their scores, each if it
            still fits.
    """

    action: str = "exact-service"
    candidates: int = 1

    def __post_init__(self) -> None:
        AgentView(self.observation)  # refuses an unknown one

    def sizes(self, instance: Instance) -> tuple[int, int]:
        """Return how many numbers a state and an action have."""
        return super().sizes(instance)[0], instance.model_count

    def caches(self, instance: Instance, raw: Array) -> Array:
        """Return the candidates, bool [K, T, M], of scores [T, M]."""
        nearest = np.argsort(np.abs(raw), axis=1, kind="stable")[:, : self.candidates - 1]
        threshold = np.zeros((min(self.candidates, instance.model_count), len(raw), 1))
        threshold[1:, :, 0] = np.take_along_axis(raw, nearest, axis=1).T[: len(threshold) - 1]
        wanted = (raw > threshold) | ((raw == threshold) & (threshold <= 0.0))
        scores = np.broadcast_to(raw, wanted.shape)
        return fill_cache(instance, scores, wanted & (demand(instance) > 0))

    def invert(self, instance: Instance, raw: Array, cache: Array | None = None) -> Decisions:
        """Return the cheapest decisions for the scores [T, M], or those with `cache` [T, M]."""
        check_actions(raw, (instance.slot_count, instance.model_count))
        caches = self.caches(instance, raw) if cache is None else cache[None]
        return cheapest(instance, serve_batch(instance, caches))
