"""A slot as a set of models: what a network sees of it, and how what it says becomes feasible decisions.

Requests for one model differ, but for their bandwidth, in nothing that a decision about cache and steps
could heed: a slot is a set of models, each with its users' regrets added up (see `mincache.exact.regrets`).
Every parameter of an instance enters through these sums and through sizes relative to the limits, so that
what is learned on one library, number of users or server can mean something on another.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mincache.errors import InputError
from mincache.exact import regrets, serve_batch
from mincache.exact.best_service import prepared
from mincache.exact.passes import frame_sums
from mincache.exact.pool import CachePool
from mincache.exact.regrets import loading_losses
from mincache.learning.layers import Shapes, Weights, layers_of, perceptron, perceptron_shapes, relu
from mincache.problem.evaluation import evaluate_batch
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.problem.requests import demand, least_steps
from mincache.problem.solution import Decisions
from mincache.solving.feasible import fill_cache, frame_starts, per_slot
from mincache.views.agent_view import AgentView, check_actions
from mincache.views.past_view import PastView

AGGREGATES = "aggregates/1"  # name and version of what a network sees; a policy is trained for one version
DECODER = "score-order/2"
"""Name and version of how scores become decisions; a policy is trained for one version."""
FEATURES = 14  # numbers that describe a model in a slot
STATE_NUMBERS, ACTION_NUMBERS = FEATURES + 1, 2
"""Numbers a model that an agent on sets sees (its features, and whether anyone asks for it) and says."""
_THRESHOLDS = 3  # further fillings with another threshold for each that leaves out a model
_LIMIT = 8.0
_TINY = 1e-12


def aggregates(instance: Instance) -> tuple[Array, Array]:
    """Return what is known of each model of each slot; all slots of a frame have that of the whole frame.

    Returns:
        Features, float32 [T, M, FEATURES] of order one without a unit; and whether any user asks for the
        model, bool [T, M]: nobody gains by caching others.
    """
    features, requested = _features(instance), _in_frames(instance, demand(instance)) > 0
    return per_slot(instance, features), per_slot(instance, requested)


def _in_frames(instance: Instance, values: Array) -> Array:
    """Return the sums of values [T, ...] over each frame."""
    return frame_sums(values, instance.rules.frame_slots)


@np.errstate(over="ignore", divide="ignore", invalid="ignore")
def _features(instance: Instance) -> Array:
    """Return the features of each frame, as if it were one slot with the users and steps of all its own."""
    models, server, T, N = instance.models, instance.server, instance.slot_count, instance.user_count
    stakes = regrets(instance, np.full((T, N), 1.0 / N))
    asks = instance.trace.requested_model[..., None] == np.arange(instance.model_count)
    count = _in_frames(instance, demand(instance))
    cloud = _in_frames(instance, (stakes.cloud[..., None] * asks).sum(axis=1))
    slots = _in_frames(instance, np.ones((T, 1)))
    scale = np.maximum(cloud.sum(axis=1, keepdims=True), _TINY)
    mean = np.maximum(_in_frames(instance, stakes.cloud.mean(axis=1, keepdims=True)) / slots, _TINY)
    cloud, unserved = cloud / scale, count * stakes.unserved / scale
    least, available = least_steps(instance), server.steps * slots
    # Under a floor on steps a model takes some of them too: what it takes most of counts.
    size = np.maximum(models.size_gb / server.storage_gb, count * least / available)
    steps = (models.steps_saturation - least) / available
    saved = cloud - unserved  # by caching the model and giving no steps
    return bounded(
        np.log1p(count), 4.0 * count / (N * slots), 4.0 * cloud, 4.0 * unserved, 4.0 * saved,
        size, np.log(size), steps, count * steps, np.log(steps),
        _ahead(cloud / size, size, count > 0), _ahead(saved / size, size, count > 0),
        _ahead(np.broadcast_to(stakes.unserved / steps, count.shape), count * steps, count > 0),
        stakes.unserved / mean,
    )  # fmt: skip


def _ahead(worth: Array, room: Array, counts: Array) -> Array:
    """Return the room [K, M] that all models of more worth than each would take before it."""
    before = (worth[:, None, :] > worth[:, :, None]) & counts[:, None, :]
    return np.asarray((before * np.broadcast_to(room, worth.shape)[:, None, :]).sum(axis=-1))


def bounded(*columns: Array) -> Array:
    """Return columns side by side, float32 within limits; the first's shape is that of all."""
    stacked = np.empty((*columns[0].shape, len(columns)))
    for i, column in enumerate(columns):
        stacked[..., i] = column
    stacked[np.isnan(stacked)] = 0.0
    return np.asarray(stacked.clip(-_LIMIT, _LIMIT), dtype=np.float32)


def filled(instance: Instance, score: Array, want: Array, leave_out: int = 0, thresholds: int = 0) -> Array:
    """Return feasible caches, bool [K, T, M]: requested models with `want` > 0, by `score`, if still fitting.

    Of the further ones, each leaves out another model, those with the highest scores first, or has the want
    of another model as its threshold in the place of 0, those nearest to 0 first.
    """
    requested = per_slot(instance, _in_frames(instance, demand(instance)) > 0)
    most = score.shape[-1]
    first = requested & (want > 0.0)
    order = np.argsort(np.where(first, -score, np.inf), axis=-1, kind="stable")
    nearest = np.argsort(np.where(requested, np.abs(want), np.inf), axis=-1, kind="stable")
    several = np.repeat(first[None], 1 + min(leave_out, most) + min(thresholds, most), axis=0)
    for one, model in zip(several[1:], order.T[:leave_out, :, None], strict=False):
        np.put_along_axis(one, model, False, axis=-1)
    for one, model in zip(several[1 + min(leave_out, most) :], nearest.T[:thresholds, :, None], strict=True):
        threshold = np.take_along_axis(want, model, axis=-1)
        one[:] = requested & ((want > threshold) | ((want == threshold) & (threshold <= 0.0)))
    return fill_cache(instance, np.broadcast_to(score, several.shape), several)


def cheapest(instance: Instance, several: Decisions) -> Decisions:
    """Return of each frame the decisions, among candidates [K, T, ...], that the evaluator prices lowest."""
    if len(several.cache) == 1:
        return Decisions(*(array[0] for array in several))
    costs = _in_frames(instance, evaluate_batch(instance, several).slot_cost.T)
    best = per_slot(instance, costs.argmin(axis=1))
    return Decisions(*(array[best, np.arange(instance.slot_count)] for array in several))


def cheapest_served(instance: Instance, caches: Array) -> Decisions:
    """Return the best decisions with caches, bool [K, T, M], one of them in each frame, and the best service.

    Where rules link slots, any of the caches may be in any frame.
    """
    if not instance.rules.link_slots:
        return cheapest(instance, serve_batch(instance, caches))
    search, none = prepared(instance), np.zeros((1, instance.model_count), bool)
    pool = CachePool(search, loading_losses(instance, search.slots), lambda: math.inf)
    pool.add(np.concatenate([none, *caches[:, frame_starts(instance)]]))
    return search.solution(pool.course()[0]).decisions


@dataclass(frozen=True)
class SetView(AgentView):
    """States are the aggregates of a slot, model by model; actions are two scores for each model.

    Models are cached in the order of their first scores, none with a second score below 0. Of the caches that
    `filled` makes of them the cheapest counts, with the best service. Where loading takes time, frames are
    also seen as parts of longer ones, twice as long each time, over which a cache could stay.

    Attributes:
        candidates: with one, the network's own word counts. Each further one adds four caches to price: one
            without one of the models, three with another threshold for second scores; see `filled`.
    """

    observation: str = AGGREGATES.partition("/")[0]
    action: str = DECODER.partition("/")[0]
    candidates: int = 4

    def __post_init__(self) -> None:
        """Any name but the defaults would be another view."""

    @property
    def versions(self) -> tuple[str, str]:
        """Name and version of what it sees and of how it decides."""
        return AGGREGATES, DECODER

    def shapes(self, weights: Weights) -> Shapes:
        """Return the weights that its network has, by name, if it is of the size that these seem to be of."""
        return set_shapes(*set_size(weights))

    def network(self, weights: Weights) -> Callable[..., Any]:
        """Return the network with these weights."""
        return set_actor(weights)

    def sizes(self, instance: Instance) -> tuple[int, int]:
        """Return how many numbers a state and an action have; linked slots are refused, being unseen."""
        if instance.rules.link_slots:
            used = ", ".join(instance.used_rules)
            raise InputError("scenario", "must not link slots for an agent on sets", used)
        return STATE_NUMBERS * instance.model_count, ACTION_NUMBERS * instance.model_count

    def apply(self, instance: Instance, memory: Array | None = None) -> Array:
        """Return the aggregates of all slots, float32 [T, M (FEATURES + 1)], once for each `_stretches`."""
        seen = [aggregates(one) for one in _stretches(instance)]
        states = np.concatenate([np.dstack(one) for one in seen])
        return states.reshape(len(states), -1).astype(np.float32)

    def invert(self, instance: Instance, raw: Array, cache: Array | None = None) -> Decisions:
        """Return the feasible decisions of raw actions [T, 2 M]: a model's first scores, then its second."""
        stretches, T, M = _stretches(instance), instance.slot_count, instance.model_count
        check_actions(raw, (len(stretches) * T, ACTION_NUMBERS * M))
        scores = np.asarray(raw, dtype=np.float64).reshape(len(stretches), T, ACTION_NUMBERS, M)
        more = self.candidates - 1
        caches = [
            filled(one, score, want, more, _THRESHOLDS * more)
            for one, (score, want) in zip(stretches, scores.swapaxes(1, 2), strict=True)
        ]
        return cheapest_served(instance, np.concatenate(caches))


def _stretches(instance: Instance) -> list[Instance]:
    """Return the instance, and where loading takes time with longer and longer frames, up to all slots."""
    frame = instance.rules.frame_slots
    if instance.rules.loading_s_per_gb == 0.0:
        return [instance]
    doublings = range(math.ceil(math.log2(max(1.0, instance.slot_count / frame))) + 1)
    return [replace(instance, rules=replace(instance.rules, frame_slots=frame * 2**i)) for i in doublings]


def view_of(observation: str, action: str) -> AgentView:
    """Return the view with these names."""
    for view in (SetView(), PastView()):
        if (observation, action) == (view.observation, view.action):
            return view
        if observation == view.observation or action == view.action:
            rule = f"must be {view.observation} and {view.action} together, or neither"
            raise InputError("observation and action", rule, f"{observation} and {action}")
    return AgentView(observation, action)


def set_actor(weights: Weights) -> Callable[..., Any]:
    """Return the policy pi on sets: from states [B, M (FEATURES + 1)] to raw actions [B, 2 M] in (-1, 1)."""
    models = set_network(weights)

    def act(states: Array) -> Array:
        seen = states.reshape(len(states), -1, STATE_NUMBERS)
        scores = models(seen[..., :FEATURES], seen[..., FEATURES])
        scores = scores.astype(np.float64)  # where tanh tells more apart
        return np.tanh(scores.swapaxes(1, 2).reshape(len(states), ACTION_NUMBERS * seen.shape[1]))

    return act


def set_network(weights: Weights) -> Callable[[Array, Array], Array]:
    """Return what maps models [T, M, FEATURES], requested or not [T, M], to their scores [T, M, any]."""
    embed, head = perceptron(weights, "models.embed"), perceptron(weights, "models.head")
    blocks = [layers_of(weights, f"models.blocks.{block}") for block in range(block_count(weights))]

    def forward(features: Array, requested: Array) -> Array:
        T, M, _ = features.shape
        mask = requested.reshape(T * M, 1).astype(features.dtype)
        requests = np.maximum(mask.reshape(T, M).sum(axis=1), 1.0)[:, None]
        h = relu(embed(features.reshape(T * M, -1))) * mask
        for (weight, bias), (last_weight, last_bias) in blocks:
            units = h.shape[1]
            models = h.reshape(T, M, units)
            pooled = np.concatenate([models.sum(axis=1) / requests, models.max(axis=1)], axis=1)
            shared = pooled @ weight[units:] + bias
            hidden = relu(h @ weight[:units] + np.repeat(shared, M, axis=0))
            h = relu(h + hidden @ last_weight + last_bias) * mask
        return head(h).reshape(T, M, -1)

    return forward


def set_shapes(units: int, blocks: int, outputs: int = ACTION_NUMBERS) -> Shapes:
    """Return the weights of a network on sets of models, by name."""
    shapes = perceptron_shapes("models.embed", FEATURES, units, units)
    for block in range(blocks):
        shapes |= perceptron_shapes(f"models.blocks.{block}", 3 * units, units, units)
    return shapes | perceptron_shapes("models.head", units, units, outputs)


def set_size(weights: Weights) -> tuple[int, int]:
    """Return how many units and blocks a network on sets seems to have."""
    return np.size(weights.get("models.embed.0.bias", 0)) or 1, block_count(weights)


def block_count(weights: Weights) -> int:
    """Return how many blocks a network on sets has."""
    return len({name.split(".")[2] for name in weights if name.startswith("models.blocks.")})
