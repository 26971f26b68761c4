"""The problem, typed: one edge server, its radio, its model library and a trace of requests.

Notation is the paper's, SI units except for storage in GB. Everything is validated when it is made, and then
frozen; derive a changed one with `dataclasses.replace`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Self

import numpy as np

from mincache.errors import InputError, excerpt, of_kind
from mincache.problem import display
from mincache.problem.quantity import Array, Quantity, Typed, check_axes, not_negative, positive, quantities

if TYPE_CHECKING:
    import altair
    import xarray

NAME_PATTERN = "[a-z0-9.-]+"
"""What the name of an instance may look like (a regular expression for the whole name)."""
NAME_CHARACTERS = 120
"""How long such a name may be."""


def check_name(name: object, field: str) -> str:
    """Return `name` if it is a valid name of an instance or a suite."""
    text = name if isinstance(name, str) else ""
    if re.fullmatch(NAME_PATTERN, text) and len(text) <= NAME_CHARACTERS and text.strip("."):
        return text  # dots alone are folders
    rule = f"use lower-case letters, digits, dots and hyphens only, at most {NAME_CHARACTERS}"
    near = re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-.")[:NAME_CHARACTERS]
    raise InputError(field, rule, excerpt(name), f"try {near!r}" if near else "")


@dataclass(frozen=True, eq=False, repr=False)
class Server(Typed, section="server."):
    """What the edge server can hold and compute."""

    storage_gb: Annotated[float, positive("C", "GB", "storage for cached models (11d)")]
    steps: Annotated[float, positive("L", "1", "denoising steps shared by the users of a slot (11f)")]


@dataclass(frozen=True, eq=False, repr=False)
class Radio(Typed, section="radio."):
    """The wireless links and the wired backhaul to the cloud."""

    uplink_hz: Annotated[float, positive("W^up", "Hz", "uplink bandwidth, shared by the users (2)")]
    downlink_hz: Annotated[float, positive("W^dw", "Hz", "downlink bandwidth, not shared (5)")]
    noise_w_per_hz: Annotated[float, positive("U_0", "W/Hz", "noise power spectral density, both directions")]
    bs_power_w: Annotated[float, positive("p_b", "W", "transmit power of the base station (5)")]
    user_power_w: Annotated[Array, positive("p_n", "W", "transmit power of each user (2)", "N")]
    backhaul_up_bps: Annotated[float, positive("R^bc", "bit/s", "backhaul rate, edge to cloud (4)")]
    backhaul_down_bps: Annotated[float, positive("R^cb", "bit/s", "backhaul rate, cloud to edge (6)")]


@dataclass(frozen=True, eq=False, repr=False)
class ModelLibrary(Typed, section="models."):
    """The generative-AI models that users ask for, one entry a model."""

    size_gb: Annotated[Array, positive("c_m", "GB", "storage the model takes (11d)", "M")]
    output_bits: Annotated[Array, positive("d^op_m", "bit", "size of a generated image (6)", "M")]
    steps_onset: Annotated[
        Array, not_negative("A_1", "1", "steps at which quality begins to improve (7)", "M")
    ]
    tv_worst: Annotated[Array, not_negative("A_2", "1", "total variation of the unprocessed image (7)", "M")]
    steps_saturation: Annotated[Array, positive("A_3", "1", "steps from which quality is best (7)", "M")]
    tv_best: Annotated[Array, not_negative("A_4", "1", "total variation at best quality (7)", "M")]
    seconds_per_step: Annotated[Array, not_negative("B_1", "s", "generation time of one step (8)", "M")]
    seconds_base: Annotated[Array, not_negative("B_2", "s", "generation time that no step changes (8)", "M")]

    def __post_init__(self) -> None:
        super().__post_init__()
        check_axes([self], {})
        for field, sign, other in ("steps_onset", "<", "steps_saturation"), ("tv_best", "<=", "tv_worst"):
            small, large = getattr(self, field), getattr(self, other)
            for m in np.flatnonzero(small >= large if sign == "<" else small > large):
                received = f"{small[m]!s} against {large[m]!s}"
                raise InputError(f"models.{field}[{m}]", f"must be {sign} {other}", received)


@dataclass(frozen=True, eq=False, repr=False)
class Trace(Typed, section="trace."):
    """What happens in each slot: popularity, channels and requests."""

    skewness: Annotated[Array, Quantity("gamma", "1", "skewness of model popularity (1)", "T")]
    channel_gain: Annotated[Array, positive("h_n", "1", "linear channel power gain of each user", "TN")]
    requested_model: Annotated[
        Array, not_negative("phi_n", "1", "model each user asks for, counted from 0", "TN", whole=True)
    ]
    input_bits: Annotated[Array, positive("d^in_n", "bit", "size of the data each user uploads (4)", "TN")]
    popularity_order: Annotated[
        Array, not_negative("o", "1", "popularity order, from 0", "T", whole=True, default=0, priced=False)
    ] = 0  # type: ignore[assignment]  # an instance fills the array


LOAD = "try mincache.load(...)"
"""What to do with what is no instance."""
RULES = ("frame_slots", "loading_s_per_gb", "steps_floor")
"""The rules that all of mincache's methods and views know; what else an instance may use, they decline."""


@dataclass(frozen=True, eq=False, repr=False)
class Rules(Typed, section="rules."):
    """What is asked for beyond the paper; the defaults are the paper's problem."""

    frame_slots: Annotated[
        int, Quantity("F", "1", "slots in which the cache stays the same", at_least=1, whole=True, default=1)
    ] = 1
    loading_s_per_gb: Annotated[
        float, not_negative("l", "s/GB", "wait for a model not cached in the slot before", default=0)
    ] = 0.0
    steps_floor: Annotated[
        float,
        not_negative("f", "1", "least steps of a hit, from A1 to A3 (1); none at 0", at_most=1, default=0),
    ] = 0.0

    @property
    def link_slots(self) -> bool:
        """Whether a decision in one slot bears on another."""
        return self.frame_slots > 1 or self.loading_s_per_gb > 0.0


@dataclass(frozen=True, eq=False, repr=False)
class Instance(Typed):
    """One problem instance: T slots, N users, M models, and everything that prices a decision.

    `origin` notes what drew it, and prices nothing.
    """

    name: str
    preference_weight: Annotated[
        float, not_negative("alpha", "1", "weight of delay against TV (10)", at_most=1)
    ]
    server: Server
    radio: Radio
    models: ModelLibrary
    trace: Trace
    origin: Mapping[str, Any] | None = None
    rules: Rules = Rules()

    def __post_init__(self) -> None:
        check_name(self.name, "name")
        super().__post_init__()
        for field, kind in PARTS.items():
            of_kind(field, getattr(self, field), kind)
        if not isinstance(self.origin, Mapping | None):
            raise InputError("origin", "must be an object", excerpt(self.origin))
        if self.origin is not None:
            object.__setattr__(self, "origin", MappingProxyType(dict(self.origin)))
        lengths = check_axes(list(self._parts.values()), {})
        for section, part in self._parts.items():
            object.__setattr__(self, section, part.filled(lengths))
        requested = self.trace.requested_model
        if requested.max() >= lengths["M"]:
            t, n = divmod(int(requested.argmax()), lengths["N"])
            rule = f"must be < M = {lengths['M']}"
            raise InputError(f"trace.requested_model[{t}][{n}]", rule, str(requested[t, n]))

    def __repr__(self) -> str:
        sizes = display.sizes(self.slot_count, self.user_count, self.model_count)
        rules = f", rules {', '.join(self.used_rules)}" if self.used_rules else ""
        return f"Instance({self.name!r}: {sizes}{rules})"

    def _repr_html_(self) -> str:
        facts = {
            "time slots T": self.slot_count, "users N": self.user_count, "models M": self.model_count,
            "storage": f"{self.server.storage_gb:g} of {self.models.size_gb.sum():g} GB",
            "denoising steps a slot": f"{self.server.steps:g}",
            "weight of delay alpha": f"{self.preference_weight:g}",
            "rules beyond the paper": ", ".join(self.used_rules) or "none",
        }  # fmt: skip
        return display.html_table(self.name, facts.items())

    def plot(self, first: int = 0, stop: int | None = None) -> altair.VConcatChart:
        """Return a chart of requests, sizes and channels in the slots from `first` up to `stop`.

        Example:
            >>> import mincache
            >>> chart = mincache.load("smoke-v1.l0.n10.t0").plot()
            >>> chart.save("instance.html")
        """
        trace, models = self.trace, self.models
        return display.instance_chart(
            trace.requested_model, trace.channel_gain, models.size_gb, self.server.storage_gb, first, stop
        )

    def to_xarray(self) -> xarray.Dataset:
        """Return all quantities as arrays with the axes slot, user and model, each with its unit.

        Example:
            >>> import mincache
            >>> data = mincache.load("smoke-v1.l0.n10.t0").to_xarray()
            >>> data.requested_model.dims
            ('slot', 'user')
            >>> data.size_gb.attrs["units"]
            'GB'
        """
        return display.dataset((self, *self._parts.values()), self.name)

    @property
    def _parts(self) -> dict[str, Typed]:
        return {section: getattr(self, section) for section in PARTS}

    @property
    def slot_count(self) -> int:
        """T, the number of time slots."""
        return int(self.trace.skewness.shape[0])

    @property
    def user_count(self) -> int:
        """N, the number of users."""
        return int(self.radio.user_power_w.shape[0])

    @property
    def model_count(self) -> int:
        """M, the number of models."""
        return int(self.models.size_gb.shape[0])

    @cached_property
    def used_rules(self) -> tuple[str, ...]:
        """The priced quantities not at their default: `steps_floor` of `rules`; others as `radio.x`."""
        return tuple(
            name if part is self.rules else part.section + name
            for part in (self, *self._parts.values())
            for name in part.used
            if quantities(type(part))[name].priced
        )

    def unknown_rules(self, known: Collection[str]) -> tuple[str, ...]:
        """Return the rules in use that are not among the `known` ones."""
        return tuple(name for name in self.used_rules if name not in known)

    def check_rules(self) -> None:
        """Check that what knows `RULES` alone answers this instance, and not another one silently."""
        if unknown := self.unknown_rules(RULES):
            raise InputError("rules", f"must be only {', '.join(RULES)}", ", ".join(unknown))

    def between(self, first: int, stop: int) -> Self:
        """Return the slots from `first` up to `stop`, which no rule may link to others, as an instance."""
        if not 0 <= first < stop <= self.slot_count:
            rule = f"must lie within the {self.slot_count} there are"
            raise InputError("slots", rule, f"{first} to {stop}")
        suffix = f".slot-{first}" if stop == first + 1 else f".slots-{first}-{stop - 1}"
        parts = {section: getattr(self, section).between(first, stop) for section in _WITH_SLOTS}
        name = self.name[: NAME_CHARACTERS - len(suffix)] + suffix
        return super().between(first, stop)._with_checked(name=name, **parts)

    def pieces(self, length: int) -> list[Self]:
        """Return pieces of `length` slots, which divides T, as instances with the name of the whole."""
        own = super().pieces(length) or [self] * (self.slot_count // length)
        parts = (getattr(self, section).pieces(length) for section in _WITH_SLOTS)
        return [
            whole._with_checked(**dict(zip(_WITH_SLOTS, cut, strict=True)))
            for whole, *cut in zip(own, *parts, strict=True)
        ]

    def slot(self, t: int) -> Instance:
        """Return slot `t` alone, without the rules that link slots: its optimum is a lower bound there."""
        rules = replace(self.rules, frame_slots=1, loading_s_per_gb=0.0)
        return replace(self.between(t, t + 1), rules=rules)


PARTS: Mapping[str, type[Typed]] = MappingProxyType(
    {"server": Server, "radio": Radio, "models": ModelLibrary, "trace": Trace, "rules": Rules}
)
"""The sections of an instance document, by field name."""
_WITH_SLOTS = tuple(
    section for section, kind in PARTS.items() if any("T" in q.shape for q in quantities(kind).values())
)


def smallest_instance() -> Instance:
    """Return an instance of one slot, one user and one model, to warm up with."""
    one, none = np.ones(1), np.zeros(1)
    models = ModelLibrary(one, one, none, one, one, none, one, one)
    radio = Radio(1.0, 1.0, 1.0, 1.0, one, 1.0, 1.0)
    return Instance(
        "smallest", 0.5, Server(1.0, 1.0), radio, models, Trace(none, one[None], none[None], one[None])
    )
