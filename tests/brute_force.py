"""Every decision worth considering in a small slot, priced by the evaluator: a second exact method.

For each cache: every set of users served in full, and each other user with what steps are left.
"""

from __future__ import annotations

import itertools

import numpy as np

from mincache import Decisions, Instance, evaluate_batch
from mincache.quantity import Array


def least_cost(slot: Instance, bandwidth_share: Array) -> float:
    """Return the least cost of a feasible decision in an instance of one slot, for shares [1, N]."""
    plans = list(_service_plans(slot))
    caches = np.array(list(itertools.product([0, 1], repeat=slot.model_count)), dtype=float)
    caches = caches[caches @ slot.models.size_gb <= slot.server.storage_gb * (1 + 1e-12)]
    cache = np.repeat(caches, len(plans), axis=0)[:, None, :]
    step_share = np.tile(np.array(plans), (len(caches), 1))[:, None, :] / slot.server.steps
    bandwidth = np.broadcast_to(bandwidth_share, step_share.shape)
    batch = evaluate_batch(slot, Decisions(cache, bandwidth, step_share))
    assert batch.feasible.any()
    return float(batch.cost[batch.feasible].min())


def _service_plans(slot: Instance) -> list[Array]:
    """Return steps [N] for each set of users served in full, alone and with one more served in part."""
    full = slot.models.steps_saturation[slot.trace.requested_model[0]]
    plans = []
    for served in itertools.product([0.0, 1.0], repeat=slot.user_count):
        steps = np.array(served) * full
        left = slot.server.steps - steps.sum()
        if left >= -1e-12 * slot.server.steps:
            plans.append(steps)
            for n in np.flatnonzero(np.array(served) == 0):
                part = steps.copy()
                part[n] = min(full[n], max(left, 0.0))
                plans.append(part)
    return plans
