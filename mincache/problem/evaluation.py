"""The evaluator: the only place where a solution is priced and held to its constraints."""

import sys
from dataclasses import fields
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from mincache.errors import InputError, of_kind
from mincache.problem import equations
from mincache.problem.constraints import CONSTRAINTS, KEPT_WITHIN, Violation, excess
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.problem.requests import Delays, least_steps, uplink_snr
from mincache.problem.solution import Decisions, Solution
from mincache.problem.verdict import SCORES as SCORES
from mincache.problem.verdict import BatchEvaluation as BatchEvaluation
from mincache.problem.verdict import Evaluation as Evaluation
from mincache.problem.verdict import MeanScores as MeanScores
from mincache.problem.verdict import SlotScores

EVALUATOR_VERSION = "1"
"""Changes whenever any solution's score could change; every record carries it."""

_LARGEST = sys.float_info.max
_quietly = np.errstate(over="ignore", under="ignore", divide="ignore", invalid="ignore")
_CHUNK_ELEMENTS = 1 << 16  # candidates x slots x users priced at once: bounds the memory, and stays in cache


def evaluate(instance: Instance, solution: Solution) -> Evaluation:
    """Return the score of `solution` on `instance`.

    Raises:
        InputError: if the solution answers another instance, or has other shapes.

    Example:
        >>> import mincache
        >>> instance = mincache.load("smoke-v1.l0.n10.t0")
        >>> score = mincache.evaluate(instance, mincache.Solution.nothing_cached(instance))
        >>> score.feasible, score.hit_ratio
        (True, 0.0)
    """
    of_kind("solution", solution, Solution).check_answers(instance)
    batch = _price(_terms(instance), *(array[np.newaxis] for array in solution.decisions))
    scores: dict[str, float] = {name: getattr(batch, name).item() for name in SCORES}
    return Evaluation(
        **scores,
        instance=instance.name,
        slot_cost=tuple(batch.slot_cost[0].tolist()),
        violations=tuple(
            Violation(CONSTRAINTS[constraint], slot, min(batch.excess[0, constraint, slot].item(), _LARGEST))
            for constraint, slot in np.argwhere(batch.broken[0]).tolist()
        ),
        forgiven=bool((~batch.broken & (batch.excess > KEPT_WITHIN)).any()),
    )


def evaluate_batch(
    instance: Instance, decisions: Decisions, cached_before: Array | None = None
) -> BatchEvaluation:
    """Return the scores of candidates with leading batch axes: cache [..., T, M], shares [..., T, N].

    Where loading takes time, `cached_before` [..., T, M] is what was cached before each slot; by default
    nothing before the first slot, and the decisions' own cache before the others.

    Raises:
        InputError: if the arrays do not fit the instance or each other.

    Example:
        >>> import mincache, numpy
        >>> instance = mincache.load("smoke-v1.l0.n10.t0")
        >>> one = mincache.Solution.nothing_cached(instance).decisions
        >>> batch = mincache.Decisions(*(numpy.stack([array] * 3) for array in one))
        >>> mincache.evaluate_batch(instance, batch)
        BatchEvaluation(3 candidates, 3 feasible)
    """
    batch_shape = np.shape(of_kind("decisions", decisions, Decisions).cache)[:-2]
    flat = _flat(instance, decisions)
    if cached_before is not None:
        if np.shape(cached_before) != np.shape(decisions.cache):
            rule = f"must have shape {list(np.shape(decisions.cache))}"
            raise InputError("cached_before", rule, str(list(np.shape(cached_before))))
        flat.append(np.reshape(cached_before, flat[0].shape))
    terms = _terms(instance)
    chunk = max(1, _CHUNK_ELEMENTS // (instance.slot_count * instance.user_count))
    if 0 < len(flat[0]) <= chunk and len(batch_shape) == 1:
        return _price(terms, *flat)
    parts = [
        _price(terms, *(array[start : start + chunk] for array in flat))
        for start in range(0, max(1, len(flat[0])), chunk)
    ]

    def join(name: str) -> Array:
        joined = np.concatenate([getattr(part, name) for part in parts])
        return joined.reshape(batch_shape + joined.shape[1:])

    return BatchEvaluation(*(join(f.name) for f in fields(BatchEvaluation)))


@_quietly
def request_costs(instance: Instance, decisions: Decisions) -> Array:
    """Return the cost (10) of each request, [..., T, N], of decisions as `evaluate_batch` takes them."""
    found = _requests(_terms(instance), *_flat(instance, decisions)).cost
    return found.reshape(np.shape(decisions.step_share))


class StretchPricer:
    """Prices an instance in stretches of S slots, as an environment plays it; limits are not looked at.

    Args:
        slots: S, which divides the number of slots.
    """

    def __init__(self, instance: Instance, slots: int) -> None:
        known = _terms.__wrapped__(instance)  # of other slots each time, so not worth keeping
        requests = slots * instance.user_count
        requested = known.requested.reshape(-1, requests)
        requested -= slots * instance.model_count * np.arange(len(requested))[:, np.newaxis]
        rows = (row.reshape(-1, requests) for row in known[3:])
        self._terms = [_Terms(*known[:2], *cut) for cut in zip(requested, *rows, strict=True)]

    @_quietly
    def price(self, stretch: int, decisions: Decisions, cached_before: Array | None = None) -> SlotScores:
        """Return the scores of decisions [S, ...] in the stretch of this number.

        `cached_before` [S, M] is what was cached before each slot; only loading asks for it.
        """
        cache, bandwidth_share, step_share = decisions
        S, N = bandwidth_share.shape
        terms = self._terms[stretch]
        before = None if cached_before is None else cached_before[np.newaxis]
        priced = _requests(terms, cache[np.newaxis], bandwidth_share, step_share, before)
        download = terms.download_s
        loading = priced.loading_s
        scores = np.concatenate((
            priced.cost, priced.upload_s, download[np.newaxis], priced.backhaul_s, priced.generation_s,
            priced.tv, priced.hit, *(() if loading is None else (loading,)),
        )).reshape(-1, S, N)  # fmt: skip
        means = np.einsum("rsn->rs", scores) / N
        cost, upload, download, backhaul, generation, tv, hit_ratio, *loads = means
        delay = upload + download + backhaul + generation
        loaded = loads[0] if loads else np.zeros(S)
        if loads:
            delay += loaded
        return SlotScores(cost, delay, upload, download, backhaul, generation, loaded, tv, hit_ratio)


def _flat(instance: Instance, decisions: Decisions) -> list[Array]:
    """Return decisions with one batch axis, once their shapes are checked."""
    T, N, M = instance.slot_count, instance.user_count, instance.model_count
    batch_shape = np.shape(decisions.cache)[:-2]
    for name, array, width in zip(Decisions._fields, decisions, (M, N, N), strict=True):
        if np.shape(array) != (*batch_shape, T, width):
            raise InputError(name, f"must have shape {[*batch_shape, T, width]}", str(list(np.shape(array))))
    cache, bandwidth_share, step_share = map(np.asarray, decisions)
    # In single precision, a sum could pass a limit that the same numbers keep in double precision.
    return [
        cache.reshape(-1, T, M),
        bandwidth_share.reshape(-1, T, N).astype(np.float64, copy=False),
        step_share.reshape(-1, T, N).astype(np.float64, copy=False),
    ]


class _Requests(NamedTuple):
    """What becomes of each request of each candidate, [B, T N]."""

    hit: Array
    steps: Array
    upload_s: Array
    backhaul_s: Array
    generation_s: Array
    loading_s: Array | None
    tv: Array
    cost: Array


class _Terms(NamedTuple):
    """What pricing needs of an instance, an entry a request: [T N], slots and users as one axis."""

    instance: Instance
    mean_download_s: float
    requested: Array  # where the requested model stands in a cache laid out as [T M]
    input_bits: Array
    full_band_snr: Array
    download_s: Array
    miss_backhaul_s: Array
    onset: Array
    saturation: Array
    worst: Array
    best: Array
    seconds_per_step: Array
    seconds_base: Array
    size_gb: Array
    least_steps: Array


@lru_cache(maxsize=64)
@_quietly
def _terms(instance: Instance) -> _Terms:
    models, requested, delays = instance.models, instance.trace.requested_model.ravel(), Delays.of(instance)
    slot = np.arange(len(requested)) // instance.user_count
    download_s = delays.downlink_s.ravel()
    return _Terms(
        instance=instance,
        requested=slot * instance.model_count + requested,
        input_bits=instance.trace.input_bits.ravel(),
        full_band_snr=uplink_snr(instance).ravel(),
        download_s=download_s,
        mean_download_s=download_s.mean(),
        miss_backhaul_s=(delays.backhaul_up_s + delays.backhaul_down_s).ravel(),
        onset=models.steps_onset[requested],
        saturation=models.steps_saturation[requested],
        worst=models.tv_worst[requested],
        best=models.tv_best[requested],
        seconds_per_step=models.seconds_per_step[requested],
        seconds_base=models.seconds_base[requested],
        size_gb=models.size_gb[requested],
        least_steps=least_steps(instance)[requested],
    )


@_quietly
def _price(
    terms: _Terms, cache: Array, bandwidth_share: Array, step_share: Array, cached_before: Array | None = None
) -> BatchEvaluation:
    """Price candidates: cache [B, T, M], shares [B, T, N]."""
    instance, requests = terms.instance, len(terms.requested)
    priced = _requests(terms, cache, bandwidth_share, step_share, cached_before)
    # On short rows einsum is several times faster than a sum.
    slot_cost = np.einsum("btn->bt", priced.cost.reshape(bandwidth_share.shape)) / instance.user_count
    mean_upload, mean_backhaul, mean_generation = (
        _sum(seconds) / requests for seconds in (priced.upload_s, priced.backhaul_s, priced.generation_s)
    )
    mean_loading = np.zeros(len(cache)) if priced.loading_s is None else _sum(priced.loading_s) / requests
    mean_download = np.full(len(slot_cost), terms.mean_download_s)
    hit, steps, hits = priced.hit, priced.steps, _sum(priced.hit)
    return BatchEvaluation(
        cost=_sum(slot_cost) / instance.slot_count,
        hit_ratio=hits / requests,
        mean_delay_s=mean_upload + mean_download + mean_backhaul + mean_generation + mean_loading,
        mean_upload_s=mean_upload,
        mean_download_s=mean_download,
        mean_backhaul_s=mean_backhaul,
        mean_generation_s=mean_generation,
        mean_loading_s=mean_loading,
        mean_tv=_sum(priced.tv) / requests,
        low_step_hit_share=_sum(hit & (steps <= terms.onset)) / hits,
        slot_cost=slot_cost,
        excess=excess(instance, Decisions(cache, bandwidth_share, step_share), hit, steps, terms.least_steps),
    )


def _requests(
    terms: _Terms, cache: Array, bandwidth_share: Array, step_share: Array, cached_before: Array | None = None
) -> _Requests:
    """Price each request of candidates: cache [B, T, M], shares [B, T, N]."""
    instance, requests = terms.instance, len(terms.requested)
    cached = cache.astype(bool, copy=False).reshape(len(cache), cache.shape[1] * cache.shape[2])
    hit = cached.take(terms.requested, axis=1)
    steps = step_share.reshape(-1, requests) * instance.server.steps
    uplink_bps = equations.uplink_rate_bps(
        bandwidth_share.reshape(-1, requests), terms.full_band_snr, instance.radio.uplink_hz
    )
    upload = equations.transmission_delay_s(terms.input_bits, uplink_bps)
    backhaul = np.where(hit, 0.0, terms.miss_backhaul_s)
    generation = equations.generation_delay_s(
        hit, steps, terms.saturation, terms.seconds_per_step, terms.seconds_base
    )
    tv = equations.total_variation(hit, steps, terms.onset, terms.saturation, terms.worst, terms.best)
    delay = equations.total_delay_s(upload + backhaul, terms.download_s, generation)
    loading = None
    if instance.rules.loading_s_per_gb > 0.0:
        loading = _loading(terms, cache, hit, cached_before)
        delay = delay + loading
    cost = equations.cost(instance.preference_weight, delay, tv)
    return _Requests(hit, steps, upload, backhaul, generation, loading, tv, cost)


def _loading(terms: _Terms, cache: Array, hit: Array, cached_before: Array | None) -> Array:
    """Return the seconds that each request waits for its model to be loaded, [B, T N]."""
    if cached_before is None:
        cached_before = np.zeros_like(cache)
        cached_before[:, 1:] = cache[:, :-1]
    held = cached_before.astype(bool, copy=False).reshape(len(cache), -1).take(terms.requested, axis=1)
    seconds_per_gb = terms.instance.rules.loading_s_per_gb
    return np.asarray(equations.loading_delay_s(hit & ~held, terms.size_gb, seconds_per_gb))


def _sum(values: Array) -> Array:
    """Sum over the last axis, without what `sum` and `mean` do around it."""
    return np.asarray(np.add.reduce(values, axis=-1))
