"""`density-greedy`: what saves most per GB is cached; the first heuristic to try on a knapsack."""

from dataclasses import dataclass

import numpy as np

from mincache import Instance, Run, Solution, Solver
from mincache.problem.instance import RULES
from mincache.problem.requests import uplink_snr
from mincache.solving.greedy import answer, cache_by_density

_HEADROOM = 1.0 - 1e-12  # part of the uplink that is handed out: sums are rounded


@dataclass(frozen=True)
class DensityGreedy(Solver):
    """Cache by cost saved per GB, serve where steps gain most, split the uplink in closed form.

    Source: Dantzig, Discrete-variable extremum problems, Operations Research 5, 1957: a knapsack is filled
    in order of value per weight. A model's value is what its requests in the slot, or the frame, cost more in
    the cloud than at the edge; the time to load a model is not looked at.

    A user's share of the uplink is proportional to the root of bits over spectral efficiency, both at equal
    shares: the split with the least delay if the efficiencies did not change with the shares.
    """

    rules = RULES

    def solve(self, instance: Instance, run: Run) -> Solution:
        """Return the greedy answer, all slots at once."""
        bits = instance.trace.input_bits / instance.trace.input_bits.max(axis=1, keepdims=True)
        with np.errstate(over="ignore"):
            efficiency = np.log1p(uplink_snr(instance) * instance.user_count)
        weight = np.sqrt(bits / np.clip(efficiency, 1e-100, 1e100)).clip(1e-100)
        share = _HEADROOM * weight / weight.sum(axis=1, keepdims=True)
        return answer(instance, cache_by_density(instance), share)
