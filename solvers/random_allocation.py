"""`random-allocation`: RCARS, the paper's second benchmark."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mincache import Decisions, Instance, Run, Solution, Solver


@dataclass(frozen=True)
class RandomAllocation(Solver):
    """Cache models in random order, each if it still fits; bandwidth and steps 1/N to every user.

    Source: Liu et al., Section V-B, "randomized caching and average resource allocation" (RCARS).
    """

    stochastic: ClassVar[bool] = True
    kind: ClassVar[str] = "baseline"

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
        return Solution.of(instance, Decisions(cache, equal, equal))
