"""Processes of requests: which model each user asks for in each slot."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field, model_serializer, model_validator

from mincache.errors import InputError
from mincache.files.tables import TupleOf
from mincache.generation.process import (
    Draw,
    Positive,
    Probability,
    Process,
    Shape,
    States,
    check_table,
    choose,
)
from mincache.problem import equations
from mincache.problem.quantity import Array

Skewness = Annotated[float, Field(ge=-50, le=50)]


def markov_chain(transitions: ArrayLike, uniforms: Array) -> Array:
    """Return the states [K, T] of a chain: the first uniform over all states, then one move a slot."""
    # Of a row's sums the last is left out: its state takes what rounding leaves between it and 1.
    limits = np.cumsum(transitions, axis=1)[:, :-1]
    visited = np.empty(uniforms.shape, dtype=np.int64)
    visited[:, 0] = np.minimum(uniforms[:, 0] * len(limits), len(limits) - 1)
    for t in range(1, uniforms.shape[1]):
        visited[:, t] = (limits[visited[:, t - 1]] <= uniforms[:, t, None]).sum(axis=1)
    return visited


def zipf(skewness: float, models: int) -> Array:
    """Return the probabilities [M] of (1), the most popular model first."""
    return np.asarray(equations.zipf_probability(np.arange(1.0, models + 1.0), skewness, models))


def zipf_ranks(skewness: Array, models: int, uniforms: Array) -> Array:
    """Return the ranks of requests, from 0, by (1) at each slot's skewness [K, T], of uniforms [K, T, N]."""
    ranks = np.empty(uniforms.shape, dtype=np.int64)
    for gamma in set(skewness.ravel().tolist()):
        slots = skewness == gamma
        ranks[slots] = choose(zipf(gamma, models), uniforms[slots])
    return ranks


class _SkewnessChain(Process):
    """A process whose skewness is a Markov chain of its own, by default (19)."""

    chain_stream: ClassVar[str]

    skewness_states: TupleOf[Skewness] = (0.2, 0.5, 0.7)
    skewness_transitions: TupleOf[TupleOf[Probability]] = ((0.6, 0.2, 0.2), (0.1, 0.7, 0.2), (0.2, 0.3, 0.5))

    @model_validator(mode="after")
    def _check_chain(self) -> Self:
        self.check_chain(self.skewness_states, self.skewness_transitions)
        return self

    @staticmethod
    def check_chain(states: Sequence[float], transitions: Sequence[Sequence[float]]) -> None:
        """Check that transitions are square, one row a state, each with the sum 1."""
        if not states or {len(transitions), *map(len, transitions)} != {len(states)}:
            rule = "must be square, with a row for each of skewness_states"
            lengths = f"rows of {', '.join(str(len(row)) for row in transitions) or 'nothing'}"
            raise InputError("skewness_transitions", rule, f"{lengths}; {len(states)} states")
        sums = [sum(row) for row in transitions]
        if any(abs(one - 1.0) > 1e-9 for one in sums):
            raise InputError("skewness_transitions", "must have rows that sum to 1", f"sums {sums}")

    def skewness(self, shape: Shape, uniforms: Draw) -> Array:
        """Draw the chain, [K, T]."""
        visited = markov_chain(self.skewness_transitions, uniforms(self.chain_stream, shape.slots))
        return np.asarray(np.array(self.skewness_states)[visited])

    def _states(self, orders: Array, moves: Array) -> States:
        """Return the states of this chain beside one over popularity orders [R, M] with moves [R, R]."""
        R, J, M = len(orders), len(self.skewness_states), orders.shape[1]
        by_rank = np.array([zipf(gamma, M) for gamma in self.skewness_states])
        probability = np.empty((R, J, M))
        for order, models in enumerate(orders):
            probability[order][:, models] = by_rank
        return States(
            probability.reshape(R * J, M), np.kron(moves, self.skewness_transitions),
            np.repeat(np.arange(R), J), np.tile(self.skewness_states, R),
        )  # fmt: skip


class ZipfMarkov(_SkewnessChain):
    """The paper's requests: Zipf (1) over one fixed order, its skewness a Markov chain (19)."""

    chain_stream = "popularity"
    process: Literal["zipf-markov"] = "zipf-markov"

    def draw(self, shape: Shape, uniforms: Draw, given: Mapping[str, Array]) -> dict[str, Array]:
        """Draw the skewness of each slot and the requests."""
        skewness = self.skewness(shape, uniforms)
        requested = zipf_ranks(skewness, shape.models, uniforms("requests", shape.slots, shape.users))
        return {"skewness": skewness, "requested_model": requested}

    def popularity(self, shape: Shape) -> States:
        """Return the chain of the skewness."""
        return self._states(np.arange(shape.models)[None], np.ones((1, 1)))


class Zipf(Process):
    """Independent requests with one popularity for the whole trace."""

    process: Literal["zipf"] = "zipf"
    skewness: Skewness = 0.8

    def draw(self, shape: Shape, uniforms: Draw, given: Mapping[str, Array]) -> dict[str, Array]:
        """Draw the requests."""
        drawn = uniforms("requests", shape.slots, shape.users)
        requested = choose(zipf(self.skewness, shape.models), drawn)
        return {"skewness": np.full(drawn.shape[:2], self.skewness), "requested_model": requested}

    def popularity(self, shape: Shape) -> States:
        """Return the one state that there is."""
        one = np.ones((1, 1))
        return States(zipf(self.skewness, shape.models)[None], one, np.zeros(1), one[0] * self.skewness)


class Regimes(_SkewnessChain):
    """Several popularity orders with a Markov chain among them; the skewness has a chain of its own.

    Attributes:
        rotated: order i is the first order rotated by i M / orders models; else each is drawn at random.
        stay: probability that the order stays from one slot to the next.
        ring: a move goes to the next order; else to any other one with equal probability.
        alike: probability that a user asks for what the user before asks for in the same slot, so that users
            are correlated while each one's popularity stays; None: users are independent.
    """

    chain_stream = "regimes/skewness"
    process: Literal["regimes"] = "regimes"
    version: ClassVar[str] = "2"
    orders: Annotated[int, Field(ge=1, le=1000)] = 4
    rotated: bool = False
    stay: Probability = 0.9
    ring: bool = False
    alike: Probability | None = None

    @model_serializer(mode="wrap")
    def _leave_out(self, serialized: Any) -> dict[str, Any]:
        """Leave out what is younger than instances whose origins tell their process."""
        values: dict[str, Any] = serialized(self)
        return {name: value for name, value in values.items() if name != "alike" or value is not None}

    def check(self, shape: Shape) -> None:
        """Refuse orders of more models than can be held."""
        check_table("orders", self.orders, self.orders * shape.models, "orders times models")

    def draw(self, shape: Shape, uniforms: Draw, given: Mapping[str, Array]) -> dict[str, Array]:
        """Draw the order and the skewness of each slot, and the requests."""
        R, M = self.orders, shape.models
        if self.rotated:
            orders = self._rotated(M)[None]
        else:
            orders = np.argsort(uniforms("regimes/orders", R, M), axis=-1, kind="stable")
        skewness = self.skewness(shape, uniforms)
        regime = markov_chain(self._moves(), uniforms("regimes/chain", shape.slots))
        rank = zipf_ranks(skewness, M, uniforms("regimes/requests", shape.slots, shape.users))
        trace = np.arange(len(regime))[:, None] % len(orders)  # rotated orders are the same in each trace
        if self.alike is not None:
            alike = uniforms("regimes/alike", shape.slots, shape.users) < self.alike
            own = np.where(alike & (np.arange(shape.users) > 0), 0, np.arange(shape.users))
            rank = np.take_along_axis(rank, np.maximum.accumulate(own, axis=-1), axis=-1)
        requested = np.take_along_axis(orders[trace, regime], rank, axis=-1)
        return {"skewness": skewness, "requested_model": requested, "popularity_order": regime}

    def popularity(self, shape: Shape) -> States | None:
        """Return the chain of the orders and the skewness; None where each trace draws orders of its own."""
        return self._states(self._rotated(shape.models), self._moves()) if self.rotated else None

    def _rotated(self, models: int) -> Array:
        """Return the rotated orders [R, M], each model at its rank."""
        return (np.arange(models) + np.arange(self.orders)[:, None] * models // self.orders) % models

    def _moves(self) -> Array:
        R = self.orders
        if R == 1:
            return np.ones((1, 1))
        leave = 1.0 - self.stay
        moves = leave * np.roll(np.eye(R), 1, axis=1) if self.ring else np.full((R, R), leave / (R - 1))
        np.fill_diagonal(moves, self.stay)
        return moves


class ShotNoise(Process):
    """Models that rise and fade: each shot lifts one model's popularity, which then decays exponentially.

    A slot's popularity of a model is proportional to `floor` plus the sum of its shots. A shot of volume v at
    slot s adds v exp(-(t - s) / lifetime) from s on. Volumes are Pareto distributed. Shots fall
    before the trace too, as long as ten lifetimes, so that the first slot is like any other.
    Source: Traverso et al., doi:10.1145/2500098.2500099 (shot noise model), in discrete time.

    Attributes:
        volume_exponent: tail exponent of the Pareto volumes, which are at least 1; smaller is heavier.
    """

    process: Literal["shot-noise"] = "shot-noise"
    shots_a_slot: Annotated[float, Field(gt=0, le=100)] = 0.2
    lifetime_slots: Annotated[float, Field(gt=0, le=1000)] = 10.0
    volume_exponent: Annotated[float, Field(ge=0.1, le=100)] = 1.5
    floor: Positive = 0.05

    def check(self, shape: Shape) -> None:
        """Refuse more slots of more models than can be held."""
        slots = 10 * self.lifetime_slots + shape.slots
        what = "(10 lifetime_slots + slots) times models"
        check_table("lifetime_slots", self.lifetime_slots, slots * shape.models, what)

    def draw(self, shape: Shape, uniforms: Draw, given: Mapping[str, Array]) -> dict[str, Array]:
        """Draw the shots and the requests."""
        T, M = shape.slots, shape.models
        before = int(np.ceil(10 * self.lifetime_slots))
        # The chance that a Poisson stream, thinned by model, has a shot in a slot; a second one is left out.
        chance = -np.expm1(-self.shots_a_slot / M)
        begins = uniforms("shot-noise/shots", before + T, M) < chance
        volume = uniforms("shot-noise/volumes", before + T, M) ** (-1.0 / self.volume_exponent)
        popularity = np.where(begins, volume, 0.0)
        decay = np.exp(-1.0 / self.lifetime_slots)
        for t in range(1, before + T):
            popularity[:, t] += decay * popularity[:, t - 1]
        weights = popularity[:, before:] + self.floor
        drawn = uniforms("shot-noise/requests", T, shape.users)
        requested = choose(weights / weights.sum(axis=-1, keepdims=True), drawn)
        return {"skewness": np.zeros(drawn.shape[:2]), "requested_model": requested}


class Preference(Process):
    """Users with tastes: each group of users has a popularity order of its own beside the common one.

    Attributes:
        own: probability that a request follows the group's order, else the common one.
        groups: how many groups there are; user n is in group n modulo groups. None: each user is one.
    """

    process: Literal["preference"] = "preference"
    skewness: Skewness = 1.0
    own: Probability = 0.7
    groups: Annotated[int, Field(ge=1)] | None = None

    def check(self, shape: Shape) -> None:
        """Refuse tastes over more models than can be held."""
        groups = min(self.groups or shape.users, shape.users)
        check_table("groups", groups, groups * shape.models, "groups times models")

    def draw(self, shape: Shape, uniforms: Draw, given: Mapping[str, Array]) -> dict[str, Array]:
        """Draw the tastes and the requests."""
        groups = min(self.groups or shape.users, shape.users)
        tastes = np.argsort(uniforms("preference/tastes", groups, shape.models), axis=-1, kind="stable")
        rank = choose(zipf(self.skewness, shape.models), uniforms("requests", shape.slots, shape.users))
        group = np.arange(shape.users) % groups
        own = tastes[np.arange(len(rank))[:, None, None], group, rank]
        follows = uniforms("preference/follows", shape.slots, shape.users) < self.own
        requested = np.where(follows, own, rank)
        return {"skewness": np.full(rank.shape[:2], self.skewness), "requested_model": requested}
