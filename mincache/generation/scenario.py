"""Scenarios: the distributions that instances are drawn from, Table I of the paper by default.

A library (the models' parameters) and a trace (what happens in the slots) are drawn from separate named
streams, so that many traces can share one library. Only uniforms are drawn; everything else is computed
from them here, and what is stored is rounded to 6 significant digits: the same seed gives the same
instance, byte for byte, on any machine.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence
from itertools import accumulate
from typing import Annotated, Any, Self

import numpy as np
from pydantic import AfterValidator, Field, model_validator

from mincache.files.tables import PairOf, StrictTable, TupleOf
from mincache.generation.digits import round_array, round_number
from mincache.generation.streams import Uniforms, draw_each
from mincache.problem import equations, units
from mincache.problem.instance import NAME_PATTERN, Instance, ModelLibrary, Radio, Rules, Server, Trace
from mincache.problem.quantity import Array, quantities

GENERATOR_VERSION = "1"
"""Changes whenever the same recipe could give other bytes; every suite carries it."""

_MINIMUM_DISTANCE_M = 1.0
MAX_ENTRIES = 1_000_000
"""Slots x users, and slots x models, at most: a document holds about three times that."""
_CHUNK_ELEMENTS = 1 << 14  # traces x slots x users drawn at once: stays in cache


def _ordered(interval: tuple[float, float]) -> tuple[float, float]:
    if not interval[0] <= interval[1]:
        raise ValueError("must be [low, high] with low <= high")
    return interval


Interval = Annotated[PairOf[float], AfterValidator(_ordered)]
"""A uniform distribution over the open interval (low, high); low == high is a constant."""
Positive = Annotated[float, Field(gt=0)]
Length = Annotated[float, Field(ge=0)]
Decibel = Annotated[float, Field(ge=-1000, le=1000)]
Skewness = Annotated[float, Field(ge=-50, le=50)]
Probability = Annotated[float, Field(ge=0, le=1)]
TraceName = tuple[int, *tuple[str | int, ...]]
"""The seed of a trace, and what names it beside that."""


def _unit(unit: str, about: str, **limits: Any) -> Any:
    return Field(description=about, json_schema_extra={"unit": unit}, **limits)


def _rule(name: str) -> Any:
    rule = quantities(Rules)[name]
    limits = {"gt": rule.above, "ge": rule.at_least, "le": MAX_ENTRIES if rule.whole else rule.at_most}
    return _unit(rule.unit, f"rule: {rule.about}", default=rule.default, **limits)


class Scenario(StrictTable):
    """The distribution of instances; the defaults are the paper's Section V-A and Table I.

    Every field's unit stands in its name or in its JSON Schema (`Scenario.model_json_schema()`).

    Raises:
        pydantic.ValidationError: for an unknown field or a value out of range.
    """

    name: str = Field(
        default="paper", pattern=f"^{NAME_PATTERN}$", description="what instances' names begin with"
    )
    slots: int = _unit("1", "T, time slots", default=50, ge=1, le=MAX_ENTRIES)
    slot_duration_s: float = _unit("s", "tau; recorded, in no equation", default=20.0, gt=0)
    users: int = _unit("1", "N", default=10, ge=1, le=MAX_ENTRIES)
    area_m: PairOf[Length] = _unit(
        "m", "sides of the rectangle users are in, base station at its centre", default=(250, 250)
    )
    input_megabytes: Interval = _unit("MB", "d^in, per user and slot", default=(5, 10))
    uplink_mhz: Positive = _unit("MHz", "W^up", default=20.0)
    downlink_mhz: Positive = _unit("MHz", "W^dw", default=40.0)
    user_power_dbm: Decibel = _unit("dBm", "p_n, the same for every user", default=23.0)
    bs_power_dbm: Decibel = _unit("dBm", "p_b", default=43.0)
    noise_dbm_per_hz: Decibel = _unit("dBm/Hz", "U_0", default=-176.0)
    backhaul_up_mbps: Positive = _unit("Mbps", "R^bc", default=100.0)
    backhaul_down_mbps: Positive = _unit("Mbps", "R^cb", default=100.0)
    steps: Positive = _unit("1", "L, denoising steps a slot", default=1000.0)
    storage_gb: Positive = _unit("GB", "C", default=20.0)
    preference_weight: Probability = _unit("1", "alpha", default=0.7)

    frame_slots: int = _rule("frame_slots")
    loading_s_per_gb: float = _rule("loading_s_per_gb")
    steps_floor: float = _rule("steps_floor")

    models: int = _unit("1", "M", default=10, ge=1, le=MAX_ENTRIES)
    size_gb: Interval = _unit("GB", "c_m", default=(2, 10))
    output_megabytes: Interval = _unit("MB", "d^op_m", default=(5, 10))
    steps_onset: Interval = _unit("1", "A_1", default=(50, 100))
    tv_worst: Interval = _unit("1", "A_2", default=(100, 150))
    steps_saturation: Interval = _unit("1", "A_3", default=(150, 200))
    tv_best: Interval = _unit("1", "A_4", default=(0, 50))
    seconds_per_step: Interval = _unit("s", "B_1", default=(0, 0.5))
    seconds_base: Interval = _unit("s", "B_2", default=(0, 10))

    skewness_states: TupleOf[Skewness] = _unit(
        "1", "gamma_1.. of the popularity chain", default=(0.2, 0.5, 0.7)
    )
    skewness_transitions: TupleOf[TupleOf[Probability]] = _unit(
        "1", "(19): row i holds the probabilities of the moves from state i",
        default=((0.6, 0.2, 0.2), (0.1, 0.7, 0.2), (0.2, 0.3, 0.5)),
    )  # fmt: skip

    @model_validator(mode="after")
    def _check_size(self) -> Self:
        if self.slots * max(self.users, self.models) > MAX_ENTRIES:
            raise ValueError(f"slots times users, and slots times models, must be at most {MAX_ENTRIES}")
        return self

    @model_validator(mode="after")
    def _check_chain(self) -> Self:
        states, rows = len(self.skewness_states), self.skewness_transitions
        if states == 0 or len(rows) != states or any(len(row) != states for row in rows):
            raise ValueError("skewness_transitions must be square, with a row for each of skewness_states")
        if any(abs(sum(row) - 1.0) > 1e-9 for row in rows):
            raise ValueError("each row of skewness_transitions must sum to 1")
        return self

    def library(self, seed: int, index: int = 0) -> ModelLibrary:
        """Draw the model library number `index` of `seed`."""
        stream = Uniforms(seed, "library", index)
        ranges = {name: getattr(self, name) for name in quantities(ModelLibrary) if name != "output_bits"}
        drawn = {name: _within(interval, stream.draw(self.models)) for name, interval in ranges.items()}
        output = units.megabytes_to_bits(_within(self.output_megabytes, stream.draw(self.models)))
        return ModelLibrary(
            **{name: round_array(values) for name, values in drawn.items()}, output_bits=round_array(output)
        )

    def trace(self, seed: int, *path: str | int) -> Trace:
        """Draw the trace that `path` names in `seed`, such as `trace(7, "trace", 0, 10, 3)`."""
        return Trace(**{field: values[0] for field, values in self._traces([(seed, *path)]).items()})

    def traces(self, names: Sequence[TraceName]) -> dict[str, Array]:
        """Draw K traces at once: each field of `Trace`, of all of them, [K, T] or [K, T, N].

        They are the same as one by one, to the last bit.

        Args:
            names: for each, what `trace` takes: the seed and the path.
        """
        chunk = max(1, _CHUNK_ELEMENTS // (self.slots * self.users))
        parts = [self._traces(names[k : k + chunk]) for k in range(0, len(names), chunk)]
        return {field: np.concatenate([part[field] for part in parts]) for field in parts[0]}

    def _traces(self, names: Sequence[TraceName]) -> dict[str, Array]:
        T, N = self.slots, self.users

        def draw(purpose: str, *shape: int) -> Array:
            return draw_each([Uniforms(*name, purpose) for name in names], *shape)

        skewness = self._skewness(draw("popularity", T))
        gain = self._channel_gain(draw("position", T, N, 2), draw("fading", T, N))
        megabytes = _within(self.input_megabytes, draw("input", T, N))
        return {
            "skewness": round_array(skewness),
            "channel_gain": round_array(gain),
            "requested_model": self._requests(draw("requests", T, N), skewness),
            "input_bits": round_array(units.megabytes_to_bits(megabytes)),
        }

    def instance(
        self, name: str, library: ModelLibrary, trace: Trace, origin: dict[str, Any] | None = None
    ) -> Instance:
        """Return the instance of this scenario with a library and a trace."""
        mbps = units.megabits_per_second_to_bits_per_second
        radio = Radio(
            uplink_hz=round_number(units.megahertz_to_hertz(self.uplink_mhz)),
            downlink_hz=round_number(units.megahertz_to_hertz(self.downlink_mhz)),
            noise_w_per_hz=round_number(units.dbm_to_watt(self.noise_dbm_per_hz)),
            bs_power_w=round_number(units.dbm_to_watt(self.bs_power_dbm)),
            user_power_w=np.full(self.users, round_number(units.dbm_to_watt(self.user_power_dbm))),
            backhaul_up_bps=round_number(mbps(self.backhaul_up_mbps)),
            backhaul_down_bps=round_number(mbps(self.backhaul_down_mbps)),
        )
        server = Server(round_number(self.storage_gb), round_number(self.steps))
        drawn = [name for name in quantities(Rules) if name in type(self).model_fields]
        asked: dict[str, Any] = {name: getattr(self, name) for name in drawn}
        asked |= {name: round_number(value) for name, value in asked.items() if isinstance(value, float)}
        rules = Rules(**asked)
        return Instance(
            name, round_number(self.preference_weight), server, radio, library, trace, origin, rules
        )

    def _skewness(self, uniforms: Array) -> Array:
        """The popularity chain (19) of uniforms [K, T]: first state uniform, then one move a slot."""
        # Of a row's sums the last is left out: its state takes what rounding leaves between it and 1.
        limits = [list(accumulate(row))[:-1] for row in self.skewness_transitions]
        states = len(limits)
        visited = []
        for first, *moves in uniforms.tolist():
            begin = min(int(first * states), states - 1)
            visited.append(list(accumulate(moves, lambda state, u: bisect(limits[state], u), initial=begin)))
        return np.asarray(np.array(self.skewness_states)[np.array(visited)])

    def _requests(self, uniforms: Array, skewness: Array) -> Array:
        """Models requested [K, T, N], by inverting the distribution function of (1) at uniforms."""
        ranks = np.arange(1.0, self.models + 1.0)
        requested = np.empty(uniforms.shape, dtype=np.int64)
        for gamma in set(skewness.ravel().tolist()):
            table = np.cumsum(equations.zipf_probability(ranks, gamma, self.models))[:-1]
            slots = skewness == gamma
            requested[slots] = np.searchsorted(table, uniforms[slots], side="right")
        return requested

    def _channel_gain(self, position: Array, fading: Array) -> Array:
        """h: path loss (3) at a uniform position [K, T, N, 2], times Rayleigh fading of power Exp(1)."""
        offset = (position - 0.5) * np.array(self.area_m)
        distance = np.maximum(np.sqrt((offset * offset).sum(axis=-1)), _MINIMUM_DISTANCE_M)
        loss_db = equations.path_loss_db(units.metres_to_kilometres(distance))
        return np.asarray(units.decibel_to_ratio(loss_db) * -np.log(fading))


def _within(interval: tuple[float, float], uniforms: Array) -> Array:
    low, high = interval
    return low + (high - low) * uniforms
