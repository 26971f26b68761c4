"""From scores of models and users to feasible decisions: the decoder `score-order`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mincache.problem.evaluation import evaluate_batch
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.problem.solution import Decisions
from mincache.solving.feasible import demand, fill_cache, serve

DECODER = "score-order/1"
"""Name and version; a policy is trained for one version."""


class Scores(NamedTuple):
    """What a network says of an instance, float64.

    Attributes:
        cache: [..., T, M]; models with higher ones are cached first.
        want: [..., T, M]; models below 0 are not cached, even where they would fit.
        serve: [..., T, M]; hits on models with higher ones are served first, below 0 not at all.
        bandwidth: [..., T, N]; logarithms of the shares, up to a number a slot.
    """

    cache: Array
    want: Array
    serve: Array
    bandwidth: Array


def decide(instance: Instance, scores: Scores, candidates: int = 1) -> Decisions:
    """Return the feasible decisions that scores [T, ...] stand for.

    Requested models that are wanted are cached in the order of their scores, each if it still fits; hits
    are given A3 steps in the order of their models' scores, as long as A3 is left; bandwidth is a softmax.

    Args:
        instance: what is decided.
        scores: of its slots.
        candidates: fillings of the storage that are tried for each slot. The first is the one above; each
            further one leaves out another model, those with the highest scores first. The one that the
            evaluator prices lowest is kept.
    """
    wanted = _left_out(scores.cache, (demand(instance) > 0) & (scores.want > 0.0), candidates)
    several = _decode(
        instance, Scores(*(np.broadcast_to(s, (len(wanted), *s.shape)) for s in scores)), wanted
    )
    if candidates == 1:
        return Decisions(*(array[0] for array in several))
    best = evaluate_batch(instance, several).slot_cost.argmin(axis=0)
    return Decisions(*(array[best, np.arange(instance.slot_count)] for array in several))


def _left_out(score: Array, wanted: Array, candidates: int) -> Array:
    """Return which models each candidate may cache, bool [candidates, T, M]."""
    order = np.argsort(np.where(wanted, -score, np.inf), axis=-1, kind="stable")
    several = np.repeat(wanted[None], min(candidates, 1 + score.shape[-1]), axis=0)
    for i in range(1, len(several)):
        np.put_along_axis(several[i], order[:, i - 1 : i], False, axis=-1)
    return several


def _decode(instance: Instance, scores: Scores, wanted: Array) -> Decisions:
    cache = fill_cache(instance, scores.cache, wanted)
    slots = np.arange(instance.slot_count)[:, None]
    priority = scores.serve[..., slots, instance.trace.requested_model]
    weights = np.exp(scores.bandwidth - scores.bandwidth.max(axis=-1, keepdims=True))
    share = weights / weights.sum(axis=-1, keepdims=True)
    return Decisions(cache, share, serve(instance, cache, priority, wanted=priority > 0.0))
