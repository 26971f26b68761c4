"""The view of an agent that places each cache before the slot is shown; the best service follows."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mincache.errors import InputError
from mincache.exact.best_service import serve_batch
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.problem.requests import demand
from mincache.problem.revealed import ShownSlot, Site
from mincache.problem.solution import Decisions
from mincache.solving.feasible import fill_cache
from mincache.solving.online import OnlinePolicy
from mincache.views import observations
from mincache.views.agent_view import AgentView, check_actions

PAST_SLOTS = 2
"""Slots that a state tells of. On online-v1, all earlier ones add next to nothing."""


@dataclass(frozen=True)
class PastView(AgentView):
    """States are the requests of the last slots, the latest first; actions score models for the next cache.

    Models with a score of at least 0 are cached in order of it, each if it still fits. Bandwidth and steps
    are the best that there are. A state has no entry of its own slot or a later one.
    """

    information: ClassVar[str] = "past"

    observation: str = "past-counts"
    action: str = "cache-scores"

    def __post_init__(self) -> None:
        """Any name but the defaults would be another view."""

    def sizes(self, instance: Instance) -> tuple[int, int]:
        """Return how many numbers a state and an action have; a floor on steps is refused.

        Whether a cache keeps the floor depends on requests that nobody knows yet.
        """
        rules, M = instance.rules, instance.model_count
        if rules.steps_floor > 0.0:
            raise InputError("rules.steps_floor", "must be 0 with information past", str(rules.steps_floor))
        return PAST_SLOTS * M + observations.memory_size(rules, M), M

    def apply(self, instance: Instance, memory: Array | None = None) -> Array:
        """Return what each slot tells once it is over, [T, M]; `state` puts the last ones together."""
        return self.told(demand(instance))

    def told(self, requests: Array) -> Array:
        """Return requests for each model [..., M] as fractions of all, in units of 1 / sqrt(M)."""
        M = requests.shape[-1]
        fraction = requests / requests.sum(axis=-1, keepdims=True)
        return np.asarray(fraction * math.sqrt(M), dtype=np.float32)

    def blank(self, copies: int, models: int) -> Array:
        """Return what is told before the first slot: no requests, [K, PAST_SLOTS M]."""
        return np.zeros((copies, PAST_SLOTS * models), np.float32)

    def later(self, past: Array, told: Array) -> Array:
        """Return what is told [K, PAST_SLOTS M] once another slot [K, M] is over."""
        return np.concatenate([told, past[:, : -told.shape[1]]], axis=1)

    def cache(self, instance: Instance, raw: Array) -> Array:
        """Return the caches [..., T, M] of raw actions [..., T, M]."""
        return fill_cache(instance, raw, wanted=raw >= 0.0)

    def invert(self, instance: Instance, raw: Array, cache: Array | None = None) -> Decisions:
        """Return the decisions of raw actions [..., T, M], or the best with this `cache`."""
        check_actions(raw, (instance.slot_count, instance.model_count))
        return serve_batch(instance, self.cache(instance, raw) if cache is None else cache)

    def broken_limits(self, instance: Instance, raw: Array) -> Array:
        """Return whether all models with a score of at least 0 [T, M] would pass the storage, [T]."""
        cached_gb = (raw >= 0.0) @ instance.models.size_gb
        return np.asarray(cached_gb > instance.server.storage_gb).astype(np.int64)


class PlacingPolicy(OnlinePolicy):
    """What a network of the view of the past does at a site: it scores models for each cache."""

    def __init__(self, site: Site, view: PastView, network: Callable[[Array], Array]) -> None:
        super().__init__(site)
        self._view, self._network, self._blank = view, network, site.blank
        self._past, self._slot = view.blank(1, site.model_count), 0

    def place(self) -> Array:
        """Return the cache of the best scores."""
        linked = observations.memory(self.site.rules, self.cached[None], np.array([self._slot]))
        raw = self._network(np.concatenate([self._past, linked], axis=1))
        return np.asarray(self._view.cache(self._blank, raw)[0])

    def observe(self, slot: ShownSlot) -> None:
        """Learn what the slot's users asked for."""
        told = self._view.told(slot.requests(self.site.model_count)[None])
        self._past, self._slot = self._view.later(self._past, told), slot.number + 1
