"""Small hostile slots, and every decision worth considering in one, priced by the evaluator."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import strategies as st
from strategies import arrays, between

from mincache import Decisions, Instance, evaluate_batch
from mincache.instance import ModelLibrary, Radio, Server, Trace
from mincache.quantity import Array


def one_of(*values: float) -> st.SearchStrategy[float]:
    """One of few values, so that ties are common."""
    return st.sampled_from([float(value) for value in values])


@st.composite
def hostile_slots(draw: st.DrawFn) -> Instance:
    """Slots of ties and edges: nothing fits or pays, A1 out of reach, the cloud never or always best."""
    N, M = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    onset, best = (draw(arrays(one_of(*values), M)) for values in ((0, 10, 50), (0, 20)))
    models = ModelLibrary(
        size_gb=draw(arrays(one_of(0.1, 0.2, 0.3, 1, 2, 3) | between(0.1, 10), M)),
        output_bits=draw(arrays(one_of(1, 8e6), M)),
        steps_onset=onset,
        tv_worst=best + draw(arrays(one_of(0, 50, 100) | between(0, 100), M)),
        steps_saturation=onset + draw(arrays(one_of(1, 40, 50) | between(0.5, 150), M)),
        tv_best=best,
        seconds_per_step=draw(arrays(one_of(0, 0.25, 1, 1000) | between(0, 0.5), M)),
        seconds_base=draw(arrays(one_of(0, 5), M)),
    )
    up_bps, down_bps = (draw(one_of(1, 1e4, 1e6, 1e8, 1e18)) for _ in range(2))
    return Instance(
        "slot",
        draw(one_of(0, 0.3, 0.7, 1)),
        Server(draw(one_of(0.05, 0.3, 1, 3, 5, 100)), draw(one_of(0.5, 5, 50, 100, 150, 300.3, 1000))),
        Radio(2e7, 4e7, 2.5e-21, 20.0, draw(arrays(one_of(0.01, 0.2), N)), up_bps, down_bps),
        models,
        Trace(
            skewness=np.array([0.5]),
            channel_gain=draw(arrays(one_of(1e-14, 1e-10, 1e-8), 1, N)),
            requested_model=draw(arrays(st.integers(0, M - 1), 1, N)),
            input_bits=draw(arrays(one_of(1, 4e7, 8e7, 1e12), 1, N)),
        ),
    )


def least_cost(slot: Instance, bandwidth_share: Array) -> float:
    """Return the least cost of a feasible decision in an instance of one slot, for shares [1, N].

    For each cache: every set of users served in full, and each other user with what steps are left.
    """
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
