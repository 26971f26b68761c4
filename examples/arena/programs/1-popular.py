"""The first program."""

from dataclasses import dataclass

import numpy as np

from mincache import Instance, Run, Solution, Solver, serve


@dataclass(frozen=True)
class Entry(Solver):
    """Cache the models that most users ask for, as many as fit."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        """Return the answer with the best shares for these caches."""
        sizes_gb, models = instance.models.size_gb, instance.model_count
        cache = np.zeros((instance.slot_count, models), dtype=int)
        for slot, requested in enumerate(instance.trace.requested_model):
            left_gb = instance.server.storage_gb
            for model in np.argsort(-np.bincount(requested, minlength=models), kind="stable"):
                if sizes_gb[model] <= left_gb:
                    cache[slot, model], left_gb = 1, left_gb - sizes_gb[model]
        return serve(instance, cache)
