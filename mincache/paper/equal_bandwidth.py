"""What the bandwidth split is worth: the optimum with equal bandwidth instead of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mincache import Instance, Run, Solution, Solver
from mincache.solving import registry


@dataclass(frozen=True)
class EqualBandwidth(Solver):
    """The optimal caches and steps, and 1/N of the bandwidth to every user.

    Nothing but the upload (4) depends on the bandwidth, so that this is also the best of all solutions
    with equal bandwidth.
    """

    kind: ClassVar[str] = "exact"

    def solve(self, instance: Instance, run: Run) -> Solution:
        """Return the optimum among solutions with equal bandwidth."""
        T, N = instance.slot_count, instance.user_count
        best = registry.make("decomposition").solve(instance, Run(run.rng, run.budget))
        return Solution.of(instance, best.decisions._replace(bandwidth_share=np.full((T, N), 1.0 / N)))
