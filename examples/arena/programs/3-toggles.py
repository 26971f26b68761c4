"""The third program."""

from dataclasses import dataclass

import numpy as np

from mincache import Instance, Run, Solution, Solver, evaluate, serve


@dataclass(frozen=True)
class Entry(Solver):
    """Add or remove the model that lowers a slot's cost most, as long as one does."""

    rounds: int = 6

    def solve(self, instance: Instance, run: Run) -> Solution:
        """Return the answer with the best shares for the caches found; slots are searched side by side."""
        cache = np.zeros((instance.slot_count, instance.model_count), dtype=int)
        best = evaluate(instance, serve(instance, cache)).slot_cost
        for _ in range(self.rounds):
            trials = np.repeat(cache[None], instance.model_count, axis=0)  # [M, T, M]
            for model, trial in enumerate(trials):
                trial[:, model] = 1 - trial[:, model]
                over = trial @ instance.models.size_gb > instance.server.storage_gb
                trial[over] = cache[over]
            costs = np.array([evaluate(instance, serve(instance, trial)).slot_cost for trial in trials])
            better = costs.min(axis=0) < best
            cache[better] = trials[costs.argmin(axis=0), np.arange(len(best))][better]
            best = np.minimum(best, costs.min(axis=0))
        return serve(instance, cache)
