"""Small hostile slots, and every decision worth considering in one, priced by the evaluator."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import strategies as st
from strategies import arrays, between

from mincache import Decisions, Instance, evaluate_batch
from mincache.instance import ModelLibrary, Radio, Server, Trace
from mincache.quantity import Array

_MOST = 4  # users, and models


def _four(*values: float, span: tuple[float, float] | None = None) -> st.SearchStrategy[Array]:
    """Four of few values, so that ties are common, or of a span as well."""
    elements: st.SearchStrategy[float] = st.sampled_from([float(value) for value in values])
    return arrays(elements | between(*span) if span else elements, _MOST)


# Made once: hypothesis spends far longer on making strategies than on drawing from them.
_MODELS = {
    "size_gb": _four(0.1, 0.2, 0.3, 1, 2, 3, span=(0.1, 10)),
    "output_bits": _four(1, 8e6),
    "steps_onset": _four(0, 10, 50),
    "tv_worst": _four(0, 50, 100, span=(0, 100)),  # above the best
    "steps_saturation": _four(1, 40, 50, span=(0.5, 150)),  # above the onset
    "tv_best": _four(0, 20),
    "seconds_per_step": _four(0, 0.25, 1, 1000, span=(0, 0.5)),
    "seconds_base": _four(0, 5),
}
_USERS = {
    "power_w": _four(0.01, 0.2),
    "gain": _four(1e-14, 1e-10, 1e-8),
    "bits": _four(1, 4e7, 8e7, 1e12),
}
_LIMITS = {
    "alpha": st.sampled_from([0.0, 0.3, 0.7, 1.0]),
    "storage_gb": st.sampled_from([0.05, 0.3, 1.0, 3.0, 5.0, 100.0]),
    "steps": st.sampled_from([0.5, 5.0, 50.0, 100.0, 150.0, 300.3, 1000.0]),
    "up_bps": st.sampled_from([1.0, 1e4, 1e6, 1e8, 1e18]),
    "down_bps": st.sampled_from([1.0, 1e4, 1e6, 1e8, 1e18]),
}
_COUNT = st.integers(1, _MOST)
_REQUESTED = arrays(st.integers(0, _MOST - 1), _MOST)


@st.composite
def hostile_slots(draw: st.DrawFn) -> Instance:
    """Slots of ties and edges: nothing fits or pays, A1 out of reach, the cloud never or always best."""
    N, M = draw(_COUNT), draw(_COUNT)
    models = {name: draw(values)[:M] for name, values in _MODELS.items()}
    models["tv_worst"] += models["tv_best"]
    models["steps_saturation"] += models["steps_onset"]
    users = {name: draw(values)[None, :N] for name, values in _USERS.items()}
    limits = {name: draw(values) for name, values in _LIMITS.items()}
    return Instance(
        "slot",
        limits["alpha"],
        Server(limits["storage_gb"], limits["steps"]),
        Radio(2e7, 4e7, 2.5e-21, 20.0, users["power_w"][0], limits["up_bps"], limits["down_bps"]),
        ModelLibrary(**models),
        Trace(np.array([0.5]), users["gain"], draw(_REQUESTED)[None, :N] % M, users["bits"]),
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
