"""Small hostile instances, and every decision worth considering in one, priced by the evaluator."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
from hypothesis import strategies as st
from strategies import arrays, between

from mincache import Decisions, Instance, evaluate_batch
from mincache.problem.instance import ModelLibrary, Radio, Rules, Server, Trace
from mincache.problem.quantity import Array

_MOST = 4  # users, and models


FORGIVEN = 1e-9 * (1 - 1e-6)  # what the evaluator lets a limit be passed by, less rounding


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


_RULES = st.builds(
    Rules,
    frame_slots=st.integers(1, 4),
    loading_s_per_gb=st.sampled_from([0.0, 0.0, 0.5, 5.0, 100.0]) | between(0, 20),
    steps_floor=st.sampled_from([0.0, 0.0, 1e-9, 0.25, 0.5, 1.0]) | between(0, 1),
)


@st.composite
def hostile_slots(draw: st.DrawFn) -> Instance:
    """Slots of ties and edges: nothing fits or pays, A1 out of reach, the cloud never or always best."""
    return _hostile(draw, 1, Rules())


@st.composite
def hostile_instances(draw: st.DrawFn, most_slots: int = 3) -> Instance:
    """Instances of such slots, with all, some or none of the rules."""
    return _hostile(draw, draw(st.integers(1, most_slots)), draw(_RULES))


def _hostile(draw: st.DrawFn, slots: int, rules: Rules) -> Instance:
    N, M = draw(_COUNT), draw(_COUNT)
    models = {name: draw(values)[:M] for name, values in _MODELS.items()}
    models["tv_worst"] += models["tv_best"]
    models["steps_saturation"] += models["steps_onset"]
    users = {name: draw(values)[:N] for name, values in _USERS.items()}
    limits = {name: draw(values) for name, values in _LIMITS.items()}
    requested = np.stack([draw(_REQUESTED)[:N] % M for _ in range(slots)])
    # In later slots the users' channels and data are those of other users.
    gain, bits = (
        np.stack([np.roll(users[name], t * k) for t in range(slots)])
        for k, name in ((1, "gain"), (2, "bits"))
    )
    return Instance(
        "hostile",
        limits["alpha"],
        Server(limits["storage_gb"], limits["steps"]),
        Radio(2e7, 4e7, 2.5e-21, 20.0, users["power_w"], limits["up_bps"], limits["down_bps"]),
        ModelLibrary(**models),
        Trace(np.full(slots, 0.5), gain, requested, bits),
        rules=rules,
    )


def least_cost(instance: Instance, bandwidth_share: Array) -> float:
    """Return the least cost of a feasible solution, for bandwidth shares [T, N]: of every course of caches.

    In each slot, for each cache now and before: every set of users served in full, and each other user with
    what steps are left.
    """
    caches = np.array(list(itertools.product([0.0, 1.0], repeat=instance.model_count)))
    caches = caches[caches @ instance.models.size_gb <= instance.server.storage_gb * (1 + FORGIVEN)]
    cost = [_slot_costs(instance, t, caches, bandwidth_share[t]) for t in range(instance.slot_count)]
    frames = -(-instance.slot_count // instance.rules.frame_slots)
    courses = itertools.product(range(len(caches)), repeat=frames)
    return min(_course_cost(cost, np.repeat(course, instance.rules.frame_slots)) for course in courses)


def least_cost_with(instance: Instance, cache: Array, bandwidth_share: Array) -> float:
    """Return the least cost with this cache [T, M] and bandwidth [T, N]; infinite if none is feasible."""
    before = np.vstack([np.zeros_like(cache[:1]), cache[:-1]])
    pairs = np.stack([before, cache], axis=1).astype(float)
    costs = [_slot_costs(instance, t, pairs[t], bandwidth_share[t])[0, 1] for t in range(len(cache))]
    return float(np.mean(costs))


def _course_cost(cost: list[Array], course: Array) -> float:
    """Return the mean of slot costs [before, now] over a course of caches that begins with none."""
    before = [0, *course]
    return float(np.mean([cost[t][before[t], course[t]] for t in range(len(cost))]))


def _slot_costs(instance: Instance, t: int, caches: Array, bandwidth_share: Array) -> Array:
    """Return the least cost of slot t for each cache before it and each cache in it, infinite if none is."""
    rules = replace(instance.rules, frame_slots=1)
    slot, cost = replace(instance.slot(t), rules=rules), np.full((len(caches), len(caches)), np.inf)
    befores = caches if rules.loading_s_per_gb > 0 else caches[:1]  # then it does not matter
    for now, cache in enumerate(caches):
        plans = np.array(_service_plans(slot, cache))
        if plans.size:
            shares = np.minimum(plans / slot.server.steps, 1.0)  # the sum alone may pass 1
            step_share = np.tile(shares, (len(befores), 1))[:, None, :]
            bandwidth = np.broadcast_to(bandwidth_share, step_share.shape)
            cached = np.broadcast_to(cache, (len(step_share), 1, cache.size))
            before = np.repeat(befores, len(plans), axis=0)[:, None, :]
            batch = evaluate_batch(slot, Decisions(cached, bandwidth, step_share), before)
            priced = np.where(batch.feasible, batch.cost, np.inf)
            cost[:, now] = priced.reshape(len(befores), -1).min(axis=1)
    return cost


def _service_plans(slot: Instance, cache: Array) -> list[Array]:
    """Return steps [N] for each set of hits served in full, alone and with one more served in part."""
    models, requested, floor = slot.models, slot.trace.requested_model[0], slot.rules.steps_floor
    hit, full = cache[requested] > 0, models.steps_saturation[requested]
    onset = models.steps_onset[requested]
    least = np.where(hit, onset + floor * (full - onset) if floor > 0 else 0.0, 0.0)
    plans = []
    for served in itertools.product(*([False, True] if h else [False] for h in hit)):
        steps = np.where(served, full, least)
        left = slot.server.steps * (1 + FORGIVEN) - steps.sum()
        if left >= 0.0:
            plans.append(steps)
            for n in np.flatnonzero(hit & ~np.array(served)):
                part = steps.copy()
                part[n] = min(full[n], least[n] + max(left, 0.0), slot.server.steps)
                plans.append(part)
    return plans
