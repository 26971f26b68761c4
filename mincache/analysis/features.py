"""What characterises an instance: how scarce each resource is, and what deciding about it is worth.

Tightness and concentration are read off the instance. Worth is measured: one decision's optimisation is
taken out of the best known answer, and the evaluator says what that costs, relative to the optimum.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from mincache.errors import positive_number
from mincache.problem import units
from mincache.problem.evaluation import Evaluation, evaluate
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.problem.requests import demand, uplink_snr
from mincache.problem.solution import Decisions, Solution
from mincache.solving import registry
from mincache.solving.contract import Run

METHOD = "decomposition"
"""The solver whose answers stand for the optimum: the exact method."""

_PROVEN_GAP = 1e-6
_NO_STEPS = 1e-3
"""Denoising steps a slot in place of none, which a server must not have: too few to improve any image."""


@dataclass(frozen=True)
class Features:
    """What characterises an instance; worths are fractions of the best cost, None where there is none.

    Attributes:
        storage_tightness: size of all models asked for in a slot over the storage, mean over the slots;
            above 1, not all fit.
        steps_tightness: steps that all requests of a slot need for best quality over those there are, mean.
        upload_share: share of the best answer's cost that is the wait for the uplink.
        gini: Gini coefficient of the requests over the models: 0 if all are asked for alike, near 1 if one
            alone is.
        concentration: Herfindahl index of a slot's requests, mean: 1 if all ask for one model.
        repeat_share: share of the requests for a model that somebody asked for in the slot before.
        channel_spread_db: standard deviation over the users of their mean SNR in dB.
        backhaul_s: mean time of a request over the backhaul, there and back, s.
        backhaul_ratio: rate of the backhaul down over that up.
        caching_worth: what caching nothing costs more (with the best bandwidth shares).
        bandwidth_worth: what equal bandwidth shares cost more.
        steps_worth: what the best answer of a server without steps costs more.
        best_cost: cost of the best answer that the exact method found, and its `lower_bound`.
        note: why the best cost is not the proven optimum, "" if it is.
    """

    instance: str
    slots: int
    users: int
    models: int
    storage_tightness: float
    steps_tightness: float
    upload_share: float | None
    gini: float
    concentration: float
    repeat_share: float | None
    channel_spread_db: float
    backhaul_s: float
    backhaul_ratio: float
    preference_weight: float
    frame_slots: int
    loading_s_per_gb: float
    steps_floor: float
    caching_worth: float | None
    bandwidth_worth: float | None
    steps_worth: float | None
    best_cost: float | None
    lower_bound: float | None
    note: str


_MEASURED = ("upload_share", "caching_worth", "bandwidth_worth", "steps_worth", "best_cost", "lower_bound")


def features(instance: Instance, time_limit_s: float = float("inf")) -> Features:
    """Return what characterises `instance`; each of two searches for an optimum may take the time limit."""
    counts = demand(instance)
    asked = counts > 0
    trace, models, server, radio = instance.trace, instance.models, instance.server, instance.radio
    needed = models.steps_saturation[trace.requested_model]
    output_s = models.output_bits[trace.requested_model] / radio.backhaul_down_bps
    worth: Mapping[str, float | None]
    if refusal := registry.make(METHOD).supports(instance):
        worth, note = dict.fromkeys(_MEASURED), f"{METHOD} cannot tell: {refusal}"
    else:
        worth, note = _worths(instance, time_limit_s)
    return Features(
        instance=instance.name, slots=instance.slot_count, users=instance.user_count,
        models=instance.model_count,
        storage_tightness=float((asked @ models.size_gb).mean() / server.storage_gb),
        steps_tightness=float(needed.sum(axis=1).mean() / server.steps),
        gini=gini(counts.sum(axis=0)),
        concentration=float(((counts / instance.user_count) ** 2).sum(axis=1).mean()),
        repeat_share=float(counts[1:][asked[:-1]].sum() / counts[1:].sum()) if len(counts) > 1 else None,
        channel_spread_db=float(units.ratio_to_decibel(uplink_snr(instance)).mean(axis=0).std()),
        backhaul_s=float((trace.input_bits / radio.backhaul_up_bps + output_s).mean()),
        backhaul_ratio=radio.backhaul_down_bps / radio.backhaul_up_bps,
        preference_weight=instance.preference_weight, frame_slots=instance.rules.frame_slots,
        loading_s_per_gb=instance.rules.loading_s_per_gb, steps_floor=instance.rules.steps_floor,
        note=note, **worth,
    )  # fmt: skip


def gini(amounts: Array) -> float:
    """Return the Gini coefficient of nonnegative amounts, not all 0: (n - 1) / n where one has all."""
    ordered = np.sort(np.asarray(amounts, dtype=np.float64))
    ranks = np.arange(1, ordered.size + 1)
    return float((2 * ranks - ordered.size - 1) @ ordered / (ordered.size * ordered.sum()))


def _worths(instance: Instance, time_limit_s: float) -> tuple[Mapping[str, float | None], str]:
    """Return the measured features, and why they are not relative to a proven optimum."""
    solution, best, bound = _best(instance, time_limit_s)
    if not best.cost:
        free = dict.fromkeys(_MEASURED) | {"best_cost": best.cost, "lower_bound": bound}
        return free, "nothing can be told of parts of an optimum that costs nothing"
    nothing = Solution.nothing_cached(instance)
    equally = Decisions(solution.cache, nothing.bandwidth_share, solution.step_share)
    uncached = Decisions(nothing.cache, solution.bandwidth_share, nothing.step_share)
    idle = replace(instance, server=replace(instance.server, steps=_NO_STEPS))
    _, without_steps, idle_bound = _best(idle, time_limit_s)

    def more(evaluation: Evaluation) -> float:
        return evaluation.cost / best.cost - 1.0

    upload = instance.preference_weight * best.mean_upload_s / best.cost
    worths = (more(evaluate(instance, Solution.of(instance, one))) for one in (uncached, equally))
    found = (upload, *worths, more(without_steps), best.cost, bound)
    notes = (_unproven("the optimum", best, bound),
             _unproven("that without steps", without_steps, idle_bound))  # fmt: skip
    return dict(zip(_MEASURED, found, strict=True)), "; ".join(filter(None, notes))


def _best(instance: Instance, time_limit_s: float) -> tuple[Solution, Evaluation, float]:
    run = Run.seeded(0, positive_number("time_limit_s", time_limit_s))
    solution = registry.make(METHOD).solve(instance, run)
    return solution, evaluate(instance, solution), run.bound


def _unproven(what: str, evaluation: Evaluation, bound: float) -> str:
    proven = evaluation.feasible and evaluation.cost <= bound * (1.0 + _PROVEN_GAP)
    return "" if proven else f"{what} is not proven in the time given: {evaluation.cost:.6g} >= {bound:.6g}"
