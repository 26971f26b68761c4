"""A slot as a set of models: what a network sees of it, and how what it says becomes feasible decisions.

Requests for one model differ, but for their bandwidth, in nothing that a decision about cache and steps
could heed: a slot is a set of models, each with its users' regrets added up (see `mincache.exact.regrets`).
Every parameter of an instance enters through these sums and through sizes relative to the limits, so that
what is learned on one library, number of users or server can mean something on another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from mincache.errors import InputError
from mincache.exact import Regrets, regrets
from mincache.problem.evaluation import evaluate_batch
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.problem.requests import demand, uplink_snr
from mincache.problem.solution import Decisions
from mincache.solving.feasible import fill_cache, serve
from mincache.views.agent_view import AgentView, check_actions
from mincache.views.past_view import PastView

AGGREGATES = "aggregates/1"  # name and version of what a network sees; a policy is trained for one version
DECODER = "score-order/1"
"""Name and version of how scores become decisions; a policy is trained for one version."""
FEATURES = 14  # numbers that describe a model in a slot
STATE_NUMBERS, ACTION_NUMBERS = FEATURES + 1, 2
"""Numbers a model that an agent on sets sees (its features, and whether anyone asks for it) and says."""
USER_FEATURES = 3  # numbers that describe a user in a slot, as far as bandwidth goes
_LIMIT = 8.0
_TINY = 1e-12


class Aggregates(NamedTuple):
    """What is known of each model of each slot.

    Attributes:
        features: [T, M, FEATURES], float32 of order one; none has a unit.
        requested: bool [T, M], whether any user asks for the model; nobody gains by caching others.
        users: [T, N, USER_FEATURES], float32: what each user's bandwidth turns on.
    """

    features: Array
    requested: Array
    users: Array


def aggregates(instance: Instance) -> Aggregates:
    """Return the aggregates of an instance."""
    T, N = instance.slot_count, instance.user_count
    stakes = regrets(instance, np.full((T, N), 1.0 / N))
    asks = instance.trace.requested_model[..., None] == np.arange(instance.model_count)
    return Aggregates(_features(instance, stakes, asks), asks.any(axis=1), _users(instance))


@np.errstate(over="ignore", divide="ignore", invalid="ignore")
def _features(instance: Instance, stakes: Regrets, asks: Array) -> Array:
    models, server = instance.models, instance.server
    count = demand(instance)
    cloud = (stakes.cloud[..., None] * asks).sum(axis=1)
    scale = np.maximum(cloud.sum(axis=1, keepdims=True), _TINY)
    cloud, unserved = cloud / scale, count * stakes.unserved / scale
    size = models.size_gb / server.storage_gb
    steps = models.steps_saturation / server.steps
    saved = cloud - unserved  # by caching the model and giving no steps
    return _bounded(
        np.log1p(count), 4.0 * count / instance.user_count, 4.0 * cloud, 4.0 * unserved, 4.0 * saved,
        size, np.log(size), steps, count * steps, np.log(steps),
        _ahead(cloud / size, size, count > 0), _ahead(saved / size, size, count > 0),
        _ahead(np.broadcast_to(stakes.unserved / steps, count.shape), count * steps, count > 0),
        stakes.unserved / np.maximum(stakes.cloud.mean(axis=1, keepdims=True), _TINY),
    )  # fmt: skip


def _ahead(worth: Array, room: Array, counts: Array) -> Array:
    """Return the room [T, M] that all models of more worth than each would take before it."""
    before = (worth[:, None, :] > worth[:, :, None]) & counts[:, None, :]
    return np.asarray((before * np.broadcast_to(room, worth.shape)[:, None, :]).sum(axis=-1))


@np.errstate(over="ignore", divide="ignore", invalid="ignore")
def _users(instance: Instance) -> Array:
    """Logarithms of data and channel gain relative to the slot's mean, and of the signal-to-noise ratio."""
    bits, gain = np.log(instance.trace.input_bits), np.log(uplink_snr(instance))
    return _bounded(
        bits - bits.mean(axis=1, keepdims=True),
        gain - gain.mean(axis=1, keepdims=True),
        0.25 * (gain + np.log(instance.user_count)),
    )


def _bounded(*columns: Array) -> Array:
    """Return columns side by side; the first has the shape that the others are broadcast to."""
    stacked = np.empty((*columns[0].shape, len(columns)))
    for i, column in enumerate(columns):
        stacked[..., i] = column
    stacked[np.isnan(stacked)] = 0.0
    return np.asarray(stacked.clip(-_LIMIT, _LIMIT), dtype=np.float32)


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
    Of `candidates` fillings of the storage, each further one leaves out another model, those with the highest
    scores first. The one that the evaluator prices lowest is kept.
    """
    wanted = _left_out(scores.cache, (demand(instance) > 0) & (scores.want > 0.0), candidates)
    each = Scores(*(np.broadcast_to(score, (len(wanted), *score.shape)) for score in scores))
    return cheapest(instance, _decode(instance, each, wanted))


def cheapest(instance: Instance, several: Decisions) -> Decisions:
    """Return of each slot the decisions, among candidates [K, T, ...], that the evaluator prices lowest."""
    if len(several.cache) == 1:
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


@dataclass(frozen=True)
class SetView(AgentView):
    """States are the aggregates of a slot, model by model; actions are two scores for each model."""

    observation: str = AGGREGATES.partition("/")[0]
    action: str = DECODER.partition("/")[0]

    def __post_init__(self) -> None:
        """Any name but the defaults would be another view."""

    @property
    def versions(self) -> tuple[str, str]:
        """Name and version of what it sees and of how it decides."""
        return AGGREGATES, DECODER

    def sizes(self, instance: Instance) -> tuple[int, int]:
        """Return how many numbers a state and an action have; linked slots are refused, being unseen."""
        if instance.rules.link_slots:
            used = ", ".join(instance.used_rules)
            raise InputError("scenario", "must not link slots for an agent on sets", used)
        return STATE_NUMBERS * instance.model_count, ACTION_NUMBERS * instance.model_count

    def apply(self, instance: Instance, memory: Array | None = None) -> Array:
        """Return the aggregates of all slots, float32 [T, M (FEATURES + 1)]."""
        seen = aggregates(instance)
        states = np.concatenate([seen.features, seen.requested[..., None]], axis=-1)
        return states.reshape(instance.slot_count, -1).astype(np.float32)

    def invert(self, instance: Instance, raw: Array, cache: Array | None = None) -> Decisions:
        """Return the feasible decisions of raw actions [T, 2 M]: caching scores, then serving scores."""
        T, M = instance.slot_count, instance.model_count
        check_actions(raw, (T, ACTION_NUMBERS * M))
        scores = np.asarray(raw, dtype=np.float64)
        all_wanted, equal_share = np.ones((T, M)), np.zeros((T, instance.user_count))
        return decide(instance, Scores(scores[:, :M], all_wanted, scores[:, M:], equal_share))


@dataclass(frozen=True)
class SlotView:
    """The view of a `SlotNetwork`: it sees aggregates and scores models and users; see `decide`."""

    candidates: int = 1

    @property
    def versions(self) -> tuple[str, str]:
        """Name and version of what it sees and of how it decides."""
        return AGGREGATES, DECODER

    def apply(self, instance: Instance) -> Aggregates:
        """Return what the network takes."""
        return aggregates(instance)

    def invert(self, instance: Instance, scores: Scores) -> Decisions:
        """Return the feasible decisions that scores [T, ...] stand for."""
        return decide(instance, scores, self.candidates)


def view_of(observation: str, action: str) -> AgentView:
    """Return the view with these names."""
    for view in (SetView(), PastView()):
        if (observation, action) == (view.observation, view.action):
            return view
    return AgentView(observation, action)
