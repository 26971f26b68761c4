"""The highest hit ratio that storage allows, as a solver: a bound on Fig. 4, whatever it costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mincache import Decisions, Instance, Run, Solution, Solver

_MOST_MODELS = 16  # of which there are 2^16 sets


@dataclass(frozen=True)
class MostHits(Solver):
    """In every slot the set of models that the most requests are for, of those that fit.

    It sees the requests before it caches, as every method here does. Bandwidth is split equally and no
    one gets steps.
    """

    kind: ClassVar[str] = "baseline"

    def supports(self, instance: Instance) -> str | None:
        """Return None, or that there are too many models to try every set."""
        if instance.model_count > _MOST_MODELS:
            return f"it tries every set of models, at most {_MOST_MODELS}"
        return None

    def solve(self, instance: Instance, run: Run) -> Solution:
        """Return the caches with the most hits."""
        T, N, M = instance.slot_count, instance.user_count, instance.model_count
        sets = (np.arange(2**M)[:, None] >> np.arange(M)) & 1
        sets = sets[sets @ instance.models.size_gb <= instance.server.storage_gb]
        requests = (instance.trace.requested_model[..., None] == np.arange(M)).sum(axis=1)
        cache = sets[(requests @ sets.T).argmax(axis=1)].astype(bool)
        return Solution.of(instance, Decisions(cache, np.full((T, N), 1.0 / N), np.zeros((T, N))))
