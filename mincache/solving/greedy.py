"""What simple heuristics share: steps where they gain most, and what was asked for in earlier slots."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mincache.exact.regrets import service_cost
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.problem.requests import demand, least_steps
from mincache.problem.solution import Decisions, Solution
from mincache.solving.feasible import serve


def answer(instance: Instance, cache: Array) -> Solution:
    """Return the solution with this cache [T, M], equal bandwidth, and steps where they gain most."""
    bandwidth_share = np.full((instance.slot_count, instance.user_count), 1.0 / instance.user_count)
    return Solution.of(
        instance, Decisions(cache, bandwidth_share, serve_where_it_gains_most(instance, cache))
    )


def serve_where_it_gains_most(instance: Instance, cache: Array) -> Array:
    """Return step shares [T, N]: A3 steps to the hits that gain most per step, as long as they last.

    Hits that lose by steps get none, or, under a floor on steps, what the floor asks for; gains are then
    against the floor.

    Args:
        instance: whose steps and rules count.
        cache: [T, M], as `feasible.fill_cache` leaves it.
    """
    least, full = least_steps(instance), instance.models.steps_saturation
    more = (full - least) / instance.server.steps
    gain = service_cost(instance, True, least) - service_cost(instance, True, full)
    # Where the floor is A3 itself there is nothing to gain.
    gain_per_step = np.divide(gain, more, out=np.zeros_like(gain), where=more > 0.0)
    priority = gain_per_step[instance.trace.requested_model]
    return serve(instance, cache, priority, wanted=priority > 0.0)


class Past(NamedTuple):
    """What was asked for before each slot, the slot itself left out.

    Attributes:
        requests: [T, M], how many requests each model has had; 0 in the first slot.
        latest: [T, M], 1 + the number of the latest slot in which somebody asked for the model; 0 if nobody
            ever did.
    """

    requests: Array
    latest: Array


def past(instance: Instance) -> Past:
    """Return what a server knows of the requests when it decides on a slot ahead of it."""
    requests = demand(instance)
    slots = np.arange(1, instance.slot_count + 1)[:, None]
    latest = np.maximum.accumulate(np.where(requests > 0, slots, 0), axis=0)
    return Past(np.cumsum(requests, axis=0) - requests, np.vstack([np.zeros_like(latest[:1]), latest[:-1]]))
