"""What each choice costs above an edge server without limits: all that the search needs of an instance.

At such an edge every request is a hit with the least steps that it may have or exactly A3, whichever costs
less: between them the cost (10) is concave in the steps. That ideal is below every solution, so every regret
is at least 0. A cached request with s steps loses `unserved` at the least s, linear to `onset` at A1, linear
to 0 at A3.
"""

from dataclasses import dataclass
from types import EllipsisType

import numpy as np

from mincache.problem import equations
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.problem.requests import Delays, demand, least_steps, upload_s


@dataclass(frozen=True, eq=False)
class Regrets:
    """Costs above the ideal of an edge without limits, in the unit of the cost (10)."""

    cloud: Array  # [T, N], of a request that goes to the cloud
    unserved: Array  # [M], of a cached request with the least steps, or none; 0 where more do not pay
    onset: Array  # [M], of a cached request with A1 steps, or the least if that is more; at least `unserved`
    ideal_cost: Array  # [T], the ideal itself: the sum over the slot's users


_LARGEST = 1e270  # for what overflows: sums of such regrets are finite still


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def regrets(instance: Instance, bandwidth_share: Array) -> Regrets:
    """Return the regrets of `instance`, with `bandwidth_share` [T, N] in the ideal."""
    instance.check_rules()
    alpha, models, requested = instance.preference_weight, instance.models, instance.trace.requested_model
    steps = np.stack([least_steps(instance), models.steps_onset, models.steps_saturation])
    if instance.rules.steps_floor > 0.0:
        np.maximum(steps, steps[0], out=steps)
    idle, onset, full = service_cost(instance, True, steps)
    best = np.minimum(idle, full)
    delays = Delays.of(instance)
    radio_s = upload_s(instance, bandwidth_share) + delays.downlink_s
    ideal = alpha * radio_s + best.take(requested)
    backhaul_s = delays.backhaul_up_s + delays.backhaul_down_s
    return Regrets(
        # The cloud generates as A3 steps at the edge do: (7) and (8) agree there.
        cloud=_finite((full - best).take(requested) + alpha * backhaul_s),
        unserved=_finite(idle - best),
        onset=_finite(onset - best),
        ideal_cost=np.add.reduce(ideal, axis=-1),
    )


def _finite(regret: Array) -> Array:
    return np.asarray(np.fmin(np.fmax(regret, 0.0), _LARGEST))


def service_cost(
    instance: Instance, hit: bool, steps: Array, model: Array | EllipsisType = ...,
    transmission_s: Array | float = 0.0,
) -> Array:  # fmt: skip
    """Return the cost (10) of requests for `model`, by default each one, which wait and are generated."""
    models, at_edge = instance.models, np.bool_(hit)
    saturation = models.steps_saturation[model]
    generation_s = equations.generation_delay_s(
        at_edge, steps, saturation, models.seconds_per_step[model], models.seconds_base[model]
    )
    onset, worst, best = models.steps_onset[model], models.tv_worst[model], models.tv_best[model]
    tv = equations.total_variation(at_edge, steps, onset, saturation, worst, best)
    return np.asarray(equations.cost(instance.preference_weight, transmission_s + generation_s, tv))


@np.errstate(over="ignore", invalid="ignore")
def loading_losses(instance: Instance, slots: int) -> Array:
    """Return the cost of loading each model for the users of each frame's first slot, [K, M]."""
    seconds = equations.loading_delay_s(np.True_, instance.models.size_gb, instance.rules.loading_s_per_gb)
    return np.asarray(np.fmin(demand(instance)[::slots] * (instance.preference_weight * seconds), _LARGEST))
