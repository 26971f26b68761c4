"""The evaluator: the only place where a solution is priced and its limits are checked.

`evaluate` judges one solution; `evaluate_batch` prices any number of candidate decisions at once, with
the same arithmetic.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from mincache import equations
from mincache.errors import InputError
from mincache.instance import Instance
from mincache.quantity import Array
from mincache.solution import Decisions, Solution

EVALUATOR_VERSION = "1"
"""Changes whenever any solution's score could change; every record carries it."""

TOLERANCE = 1e-9
"""What a limit may be exceeded by, as a fraction of the resource."""

CONSTRAINTS = ("storage", "bandwidth", "steps", "range", "unserved")
"""Names of the constraints, in the order in which violations are listed."""

_CHUNK_ELEMENTS = 1 << 14  # candidates x slots x users priced at once: the arrays stay in cache


class Violation(NamedTuple):
    """A constraint broken in a slot.

    Attributes:
        constraint: one of `CONSTRAINTS`.
        slot: the slot, from 0.
        excess: by how much: storage, bandwidth and steps as a fraction of the resource; range as the
            largest distance of a share from [0, 1]; unserved as the number of users without bandwidth.
    """

    constraint: str
    slot: int
    excess: float


@dataclass(frozen=True, eq=False)
class BatchEvaluation:
    """Scores of a batch of candidates; each array has the batch's leading axes, then those named.

    Attributes:
        cost: mean of G over slots and users (11); inf or nan where a delay is.
        hit_ratio: hits / (T N).
        mean_delay_s: mean of (9), in s; the sum of the next four.
        mean_upload_s: its radio part of (4).
        mean_download_s: its radio part of (6).
        mean_backhaul_s: its backhaul part of (4) and (6).
        mean_generation_s: its part (8).
        mean_tv: mean of (7).
        low_step_hit_share: share of the hits with at most A1 steps (not improved at all); nan without hits.
        slot_cost: [T], mean of G over the users of a slot.
        excess: [T] for each of `CONSTRAINTS`, as in `Violation`; not above 0 where the constraint holds
            exactly.
    """

    cost: Array
    hit_ratio: Array
    mean_delay_s: Array
    mean_upload_s: Array
    mean_download_s: Array
    mean_backhaul_s: Array
    mean_generation_s: Array
    mean_tv: Array
    low_step_hit_share: Array
    slot_cost: Array
    excess: dict[str, Array]

    @property
    def broken(self) -> dict[str, Array]:
        """Which slots break which constraint beyond the tolerance: bool [T] for each constraint."""
        # Not `excess > tolerance`: a nan must not pass for kept.
        return {name: ~(excess <= tolerance(name)) for name, excess in self.excess.items()}

    @property
    def feasible(self) -> Array:
        """Which candidates are feasible."""
        ok = [~broken.any(axis=-1) for broken in self.broken.values()]
        return np.asarray(np.logical_and.reduce(ok) & np.isfinite(self.cost))


@dataclass(frozen=True)
class Evaluation:
    """The score of one solution.

    Attributes:
        instance: name of the instance.
        cost: mean of G over slots and users (11), lower is better; inf or nan where a delay is.
        hit_ratio: hits / (T N).
        mean_delay_s: mean of (9); the sum of the next four, in s.
        mean_upload_s: its radio part of (4).
        mean_download_s: its radio part of (6).
        mean_backhaul_s: its backhaul part of (4) and (6).
        mean_generation_s: its part (8).
        mean_tv: mean of (7).
        low_step_hit_share: share of the hits with at most A1 steps; nan without hits.
        slot_cost: the T per-slot means of G.
        violations: every constraint broken, a slot each.
    """

    instance: str
    cost: float
    hit_ratio: float
    mean_delay_s: float
    mean_upload_s: float
    mean_download_s: float
    mean_backhaul_s: float
    mean_generation_s: float
    mean_tv: float
    low_step_hit_share: float
    slot_cost: tuple[float, ...]
    violations: tuple[Violation, ...]

    @property
    def feasible(self) -> bool:
        """Whether every limit holds and every request arrives."""
        return not self.violations and bool(np.isfinite(self.cost))


def tolerance(constraint: str) -> float:
    """Return the excess up to which `constraint` counts as kept: none for range and unserved."""
    return TOLERANCE if constraint in ("storage", "bandwidth", "steps") else 0.0


def evaluate(instance: Instance, solution: Solution) -> Evaluation:
    """Return the score of `solution` on `instance`.

    Raises:
        InputError: if the solution answers another instance, or has other shapes.
    """
    solution.check_answers(instance)
    batch = _price(_terms(instance), solution.decisions)
    scores = {f.name: float(getattr(batch, f.name)) for f in fields(batch)[:-2]}
    return Evaluation(
        instance.name,
        **scores,
        slot_cost=tuple(batch.slot_cost.tolist()),
        violations=tuple(_violations(batch)),
    )


def evaluate_batch(instance: Instance, decisions: Decisions) -> BatchEvaluation:
    """Return the scores of candidates with leading batch axes: cache [..., T, M], shares [..., T, N].

    Raises:
        InputError: if the arrays do not fit the instance or each other.
    """
    T, N, M = instance.slot_count, instance.user_count, instance.model_count
    batch_shape = np.shape(decisions.cache)[:-2]
    for name, array, width in zip(Decisions._fields, decisions, (M, N, N), strict=True):
        if np.shape(array) != (*batch_shape, T, width):
            raise InputError(name, f"must have shape {[*batch_shape, T, width]}", str(list(np.shape(array))))
    flat = Decisions(*(np.reshape(array, (-1, *np.shape(array)[-2:])) for array in decisions))
    terms = _terms(instance)
    chunk = max(1, _CHUNK_ELEMENTS // (T * N))
    parts = [
        _price(terms, Decisions(*(array[start : start + chunk] for array in flat)))
        for start in range(0, max(1, len(flat.cache)), chunk)
    ]

    def join(pieces: list[Array]) -> Array:
        joined = np.concatenate(pieces)
        return joined.reshape(batch_shape + joined.shape[1:])

    joined: dict[str, Any] = {
        f.name: join([getattr(p, f.name) for p in parts]) for f in fields(parts[0])[:-1]
    }
    excess = {name: join([part.excess[name] for part in parts]) for name in CONSTRAINTS}
    return BatchEvaluation(**joined, excess=excess)


class _Terms(NamedTuple):
    """What pricing needs of an instance, gathered to one entry a slot and user ([T, N])."""

    instance: Instance
    slot_index: Array  # [T, 1], to pick the requested models out of a cache
    full_band_snr: Array
    download_s: Array
    miss_backhaul_s: Array
    onset: Array
    saturation: Array
    worst: Array
    best: Array
    seconds_per_step: Array
    seconds_base: Array


@lru_cache(maxsize=64)
@np.errstate(over="ignore", under="ignore", divide="ignore", invalid="ignore")
def _terms(instance: Instance) -> _Terms:
    radio, models, trace = instance.radio, instance.models, instance.trace
    requested = trace.requested_model
    uplink_snr = equations.signal_to_noise(
        radio.user_power_w, trace.channel_gain, radio.noise_w_per_hz, radio.uplink_hz
    )
    downlink_snr = equations.signal_to_noise(
        radio.bs_power_w, trace.channel_gain, radio.noise_w_per_hz, radio.downlink_hz
    )
    downlink_bps = equations.downlink_rate_bps(downlink_snr, radio.downlink_hz)
    output_bits = models.output_bits[requested]
    miss = np.False_
    return _Terms(
        instance=instance,
        slot_index=np.arange(instance.slot_count)[:, None],
        full_band_snr=uplink_snr,
        download_s=equations.transmission_delay_s(output_bits, downlink_bps),
        miss_backhaul_s=equations.backhaul_delay_s(miss, trace.input_bits, radio.backhaul_up_bps)
        + equations.backhaul_delay_s(miss, output_bits, radio.backhaul_down_bps),
        onset=models.steps_onset[requested],
        saturation=models.steps_saturation[requested],
        worst=models.tv_worst[requested],
        best=models.tv_best[requested],
        seconds_per_step=models.seconds_per_step[requested],
        seconds_base=models.seconds_base[requested],
    )


@np.errstate(divide="ignore", invalid="ignore", over="ignore")
def _price(terms: _Terms, decisions: Decisions) -> BatchEvaluation:
    """Price decisions with at most one leading axis; the excess of each constraint beside it."""
    instance, trace = terms.instance, terms.instance.trace
    cache, bandwidth_share, step_share = decisions
    hit = cache.astype(bool, copy=False)[..., terms.slot_index, trace.requested_model]
    steps = step_share * instance.server.steps

    uplink_bps = equations.uplink_rate_bps(bandwidth_share, terms.full_band_snr, instance.radio.uplink_hz)
    upload = equations.transmission_delay_s(trace.input_bits, uplink_bps)
    backhaul = np.where(hit, 0.0, terms.miss_backhaul_s)
    generation = equations.generation_delay_s(
        hit, steps, terms.saturation, terms.seconds_per_step, terms.seconds_base
    )
    tv = equations.total_variation(hit, steps, terms.onset, terms.saturation, terms.worst, terms.best)
    delay = equations.total_delay_s(upload + backhaul, terms.download_s, generation)
    slot_cost = equations.cost(instance.preference_weight, delay, tv).mean(axis=-1)

    every = (-2, -1)
    hits = hit.sum(axis=every)
    low = (hit & (steps <= terms.onset)).sum(axis=every)
    return BatchEvaluation(
        cost=slot_cost.mean(axis=-1),
        hit_ratio=hits / trace.requested_model.size,
        mean_delay_s=delay.mean(axis=every),
        mean_upload_s=upload.mean(axis=every),
        mean_download_s=np.broadcast_to(terms.download_s.mean(), hits.shape),
        mean_backhaul_s=backhaul.mean(axis=every),
        mean_generation_s=generation.mean(axis=every),
        mean_tv=tv.mean(axis=every),
        low_step_hit_share=low / hits,
        slot_cost=slot_cost,
        excess=_excess(instance, decisions),
    )


def _excess(instance: Instance, decisions: Decisions) -> dict[str, Array]:
    cache, bandwidth_share, step_share = decisions
    below = np.minimum(bandwidth_share, step_share).min(axis=-1)
    above = np.maximum(bandwidth_share, step_share).max(axis=-1)
    return {
        "storage": cache @ instance.models.size_gb / instance.server.storage_gb - 1.0,  # (11d)
        "bandwidth": bandwidth_share.sum(axis=-1) - 1.0,  # (11e)
        "steps": step_share.sum(axis=-1) - 1.0,  # (11f)
        "range": np.maximum(-below, above - 1.0),  # (11b), (11c)
        "unserved": (bandwidth_share <= 0.0).sum(axis=-1),
    }


def _violations(batch: BatchEvaluation) -> Iterator[Violation]:
    for name, broken in batch.broken.items():
        for slot in np.flatnonzero(broken).tolist():
            yield Violation(name, slot, float(batch.excess[name][slot]))
