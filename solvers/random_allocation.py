"""`random-allocation`: RCARS, the paper's second benchmark."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from mincache import Decisions, Instance, Run, Solution, Solver
from mincache.problem.instance import RULES
from mincache.solving.feasible import fill_cache, hits, raise_to_floor


@dataclass(frozen=True)
class RandomAllocation(Solver):
    """Cache models in random order, each if it still fits; bandwidth and steps 1/N to every user.

    Source: Liu et al., Section V-B, "randomized caching and average resource allocation" (RCARS). Where the
    cache is held for frames, the order drawn for a frame's first slot counts. Under a floor on steps a model
    is cached only if the steps suffice for everybody who asks for it, hits get the floor first, and only
    what the equal share is above it is scaled down to fit.

    Attributes:
        steps_over: who the steps are split over: `all` users, or the users whose request is a hit.
    """

    stochastic = True
    kind = "baseline"
    rules = RULES

    steps_over: Literal["all", "hits"] = "all"

    def solve(self, instance: Instance, run: Run) -> Solution:
        """Return one random draw a slot."""
        T, N, M = instance.slot_count, instance.user_count, instance.model_count
        place = np.argsort([run.rng.permutation(M) for _ in range(T)], axis=1)
        cache = fill_cache(instance, -place, wanted=np.ones((T, M), dtype=bool))
        equal = np.full((T, N), 1.0 / N)
        steps = equal
        if self.steps_over == "hits":
            hit = hits(instance, cache)
            steps = hit / np.maximum(hit.sum(axis=1, keepdims=True), 1)
        return Solution.of(instance, Decisions(cache, equal, raise_to_floor(instance, cache, steps)))
