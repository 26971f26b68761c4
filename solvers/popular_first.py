"""`popular-first`: what a sensible operator would do by hand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mincache import Decisions, Instance, Run, Solution, Solver, equations
from mincache.packing import pack_by_priority
from mincache.quantity import Array


@dataclass(frozen=True)
class PopularFirst(Solver):
    """Cache what is asked for most per GB, give A3 steps to the hits that gain most per step.

    Bandwidth is split equally. Popularity is the number of requests in the slot itself.
    """

    def solve(self, instance: Instance, run: Run) -> Solution:
        """Return the greedy answer, all slots at once."""
        requested = instance.trace.requested_model
        slots = np.arange(instance.slot_count)[:, None]
        requests = (requested[..., None] == np.arange(instance.model_count)).sum(axis=1)  # [T, M]
        size_gb = instance.models.size_gb
        cache = pack_by_priority(requests / size_gb, size_gb, instance.server.storage_gb, wanted=requests > 0)

        needed = instance.models.steps_saturation / instance.server.steps
        gain_per_step = (_gain_of_steps(instance) / needed)[requested]
        worth_it = cache[slots, requested] & (gain_per_step > 0.0)
        served = pack_by_priority(gain_per_step, needed[requested], 1.0, wanted=worth_it)
        step_share = np.where(served, needed[requested], 0.0)
        bandwidth_share = np.full(requested.shape, 1.0 / instance.user_count)
        return Solution.of(instance, Decisions(cache, bandwidth_share, step_share))


def _gain_of_steps(instance: Instance) -> Array:
    """Return [M]: what A3 steps instead of none take off the cost of a hit on each model."""
    models, hit = instance.models, np.True_
    onset, saturation, worst, best = (
        models.steps_onset, models.steps_saturation, models.tv_worst, models.tv_best,
    )  # fmt: skip

    def cost(steps: Array) -> Array:
        tv = equations.total_variation(hit, steps, onset, saturation, worst, best)
        seconds = equations.generation_delay_s(
            hit, steps, saturation, models.seconds_per_step, models.seconds_base
        )
        return np.asarray(equations.cost(instance.preference_weight, seconds, tv))

    return cost(np.zeros_like(saturation)) - cost(saturation)
