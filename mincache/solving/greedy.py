"""What simple heuristics share: steps where they gain most, and what was asked for in earlier slots."""

from typing import NamedTuple

import numpy as np

from mincache.exact.regrets import regrets, service_cost
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.problem.requests import demand, least_steps
from mincache.problem.solution import Decisions, Solution
from mincache.solving.feasible import fill_cache, frame_starts, per_slot, serve


def answer(instance: Instance, cache: Array, bandwidth_share: Array | None = None) -> Solution:
    """Return the solution with this cache [T, M], equal bandwidth by default, steps where they gain most."""
    if bandwidth_share is None:
        bandwidth_share = equal_bandwidth(instance)
    step_share = serve_where_it_gains_most(instance, cache)
    return Solution.of(instance, Decisions(cache, bandwidth_share, step_share))


def equal_bandwidth(instance: Instance) -> Array:
    """Return equal shares of the uplink, [T, N]."""
    return np.full((instance.slot_count, instance.user_count), 1.0 / instance.user_count)


@np.errstate(over="ignore")
def savings_per_gb(instance: Instance) -> Array:
    """Return what caching a model saves in its frame against the cloud, per GB: [T, M], frame by frame.

    A hit counts with A3 steps, if they pay, in slots whose steps suffice for all requests; with the least
    steps that it may get in the others. What it costs to load a model is left out.
    """
    stakes, requested = regrets(instance, equal_bandwidth(instance)), instance.trace.requested_model
    asked = instance.models.steps_saturation[requested].sum(axis=1, keepdims=True)
    saved = stakes.cloud - np.where(asked <= instance.server.steps, 0.0, stakes.unserved[requested])
    in_slot = np.zeros((instance.slot_count, instance.model_count))
    np.add.at(in_slot, (np.arange(instance.slot_count)[:, None], requested), saved)
    in_frame = np.add.reduceat(in_slot, frame_starts(instance), axis=0)
    return per_slot(instance, in_frame) / instance.models.size_gb


def cache_by_density(instance: Instance) -> Array:
    """Return the cache [T, M] of the models that save most per GB, as many as fit."""
    density = savings_per_gb(instance)
    return fill_cache(instance, density, wanted=density > 0.0)


def serve_where_it_gains_most(instance: Instance, cache: Array) -> Array:
    """Return step shares [T, N]: A3 steps to the hits that gain most per step, as long as they last.

    Hits that lose by steps get none, or, under a floor on steps, the floor, against which gains are then.
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
