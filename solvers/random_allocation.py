"""`random-allocation`: RCARS, the paper's second benchmark."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from mincache import Decisions, Instance, Run, Solution, Solver
from mincache.quantity import Array


@dataclass(frozen=True)
class RandomAllocation(Solver):
    """Cache models in random order, each if it still fits; bandwidth and steps 1/N to every user.

    Source: Liu et al., Section V-B, "randomized caching and average resource allocation" (RCARS).

    Attributes:
        steps_over: who the steps are split over: `all` users, or the users whose request is a hit.
    """

    stochastic: ClassVar[bool] = True
    kind: ClassVar[str] = "baseline"

    steps_over: Literal["all", "hits"] = "all"

    def solve(self, instance: Instance, run: Run) -> Solution:
        """Return one random draw a slot."""
        T, N, M = instance.slot_count, instance.user_count, instance.model_count
        size_gb = instance.models.size_gb
        cache = np.zeros((T, M), dtype=bool)
        for t in range(T):
            free_gb = instance.server.storage_gb
            for m in run.rng.permutation(M):
                if size_gb[m] <= free_gb:
                    cache[t, m] = True
                    free_gb -= size_gb[m]
        equal = np.full((T, N), 1.0 / N)
        steps = equal if self.steps_over == "all" else _over_hits(instance, cache)
        return Solution.of(instance, Decisions(cache, equal, steps))


def _over_hits(instance: Instance, cache: Array) -> Array:
    """Return equal step shares [T, N] for the hits of each slot, and none for its misses."""
    hit = np.take_along_axis(cache, instance.trace.requested_model, axis=1)
    return np.asarray(hit / np.maximum(hit.sum(axis=1, keepdims=True), 1))
