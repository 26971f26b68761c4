"""Scenarios: the distributions that instances are drawn from, Table I of the paper by default."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from pydantic import (
    Field,
    SerializeAsAny,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_serializer,
    model_validator,
)

from mincache.errors import InputError, excerpt
from mincache.files.paths import real_path
from mincache.files.tables import PairOf, PlainName, StrictTable, TupleOf, refusal, validated
from mincache.generation.data_files import file_digest
from mincache.generation.digits import round_array, round_number
from mincache.generation.process import (
    Decibel,
    Interval,
    Length,
    Positive,
    Probability,
    Process,
    Shape,
    at_work,
    drawn,
    within,
)
from mincache.generation.radio_processes import PathLoss, UniformPositions
from mincache.generation.request_log import LogRequests, RequestLog
from mincache.generation.request_processes import Skewness, ZipfMarkov
from mincache.generation.sections import read_section
from mincache.generation.streams import StreamsByPurpose, Uniforms
from mincache.problem import units
from mincache.problem.instance import Instance, ModelLibrary, Radio, Rules, Server, Trace
from mincache.problem.popularity import Popularity
from mincache.problem.quantity import Array, quantities

GENERATOR_VERSION = "1"
"""Changes whenever the same recipe could give other bytes; every suite carries it."""

MAX_ENTRIES = 1_000_000
"""Slots x users, and slots x models, at most: a document holds about three times that."""
_CHUNK_ELEMENTS = 1 << 16  # traces x slots x users drawn at once: stays in cache

TraceName = tuple[int, *tuple[str | int, ...]]
"""The seed of a trace, and what names it beside that."""


def _unit(unit: str, about: str, **limits: Any) -> Any:
    return Field(description=about, json_schema_extra={"unit": unit}, **limits)


_DRAWN = {name: meaning for name, meaning in quantities(ModelLibrary).items() if name != "output_bits"} | {
    "output_megabytes": quantities(ModelLibrary)["output_bits"],
    "input_megabytes": quantities(Trace)["input_bits"],
}
"""What each interval of a scenario is drawn for; its limits are those of the interval."""


def _rule(name: str) -> Any:
    rule = quantities(Rules)[name]
    limits = {"gt": rule.above, "ge": rule.at_least, "le": MAX_ENTRIES if rule.whole else rule.at_most}
    return _unit(rule.unit, f"rule: {rule.about}", default=rule.default, **limits)


_PROMISED = {
    "requests": {"skewness": "KT", "requested_model": "KTN"},
    "positions": {"position_m": "KTN2"},
    "channel": {"channel_gain": "KTN"},
}
"""The arrays that the processes of a trace draw, with their axes."""

_Section = SerializeAsAny[Process] | None


class Scenario(StrictTable):
    """The distribution of instances; the defaults are the paper's Section V-A and Table I.

    Every field's unit stands in its name or in its JSON Schema (`Scenario.model_json_schema()`).
    """

    name: PlainName = Field(default="paper", description="what instances' names begin with")
    slots: int = _unit("1", "T, time slots", default=50, ge=1, le=MAX_ENTRIES)
    slot_duration_s: Positive = _unit("s", "tau; recorded, in no equation", default=20.0)
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

    requests: _Section = Field(default=None, description="section: which models users ask for")
    positions: _Section = Field(default=None, description="section: where users are")
    channel: _Section = Field(default=None, description="section: path loss, shadowing and fading")
    user: _Section = Field(default=None, description="section: the users' powers")
    models_section: _Section = Field(default=None, alias="[models]", description="section, with `count`")

    if not TYPE_CHECKING:  # mypy knows the fields by the class

        def __init__(self, **fields: Any) -> None:
            try:
                super().__init__(**fields)
            except ValidationError as error:
                raise refusal(type(self), error) from None

    @field_validator("requests", "positions", "channel", "user", "models_section", mode="before")
    @classmethod
    def _read_section(cls, value: Any, info: ValidationInfo) -> Any:
        return read_section(str(info.field_name).removesuffix("_section"), value)

    @model_validator(mode="before")
    @classmethod
    def _split_models(cls, values: Any) -> Any:
        """Take M out of a section [models]."""
        if not isinstance(values, dict) or not isinstance(values.get("models"), dict):
            return values
        section = dict(values["models"])
        return values | {"models": section.pop("count", 10), "[models]": section}

    @model_serializer(mode="wrap")
    def _join_models(self, serialized: Any) -> dict[str, Any]:
        """Put M back into a section [models]."""
        values: dict[str, Any] = serialized(self)
        section = values.pop("models_section", None)
        return values if section is None else values | {"models": {"count": values["models"]} | section}

    @model_validator(mode="after")
    def _check_size(self) -> Self:
        most = max(self.users, self.models)
        if self.slots * most > MAX_ENTRIES:
            rule = f"must be at most {MAX_ENTRIES // most}"
            advice = f"slots times users, and slots times models, may be {MAX_ENTRIES}"
            raise InputError("slots", rule, str(self.slots), advice)
        for name, process in self.sections.items():
            with at_work(name, process):
                try:
                    process.check(self._shape)
                except InputError as error:
                    field = f"{name}.{error.field}"
                    raise InputError(field, error.rule, error.received, error.advice) from None
        return self

    @model_validator(mode="after")
    def _check_intervals(self) -> Self:
        for field, meaning in _DRAWN.items():
            low, high = interval = getattr(self, field)
            least = meaning.at_least if meaning.above is None else meaning.above
            if least is not None and (low < least or high == meaning.above):
                rule = f"must hold numbers {meaning.range_text()} alone"
                raise InputError(field, rule, excerpt(list(interval)))
        for lower, upper in (("steps_onset", "steps_saturation"), ("tv_best", "tv_worst")):
            most, least = getattr(self, lower)[1], getattr(self, upper)[0]
            constant = most == getattr(self, lower)[0] and least == getattr(self, upper)[1]
            if most > least or (most == least and constant and lower == "steps_onset"):
                rule = f"must end at or below {least:g}, where {upper} begins"
                raise InputError(lower, rule, excerpt(list(getattr(self, lower))))
        return self

    @model_validator(mode="after")
    def _check_chain(self) -> Self:
        ZipfMarkov.check_chain(self.skewness_states, self.skewness_transitions)
        return self

    def library(self, seed: int, index: int = 0) -> ModelLibrary:
        """Draw the model library number `index` of `seed`."""
        stream = Uniforms(seed, "library", index)
        ranges = {name: getattr(self, name) for name in _DRAWN if name != "input_megabytes"}
        ranged = {name: within(interval, stream.draw(self.models)) for name, interval in ranges.items()}
        if self.models_section is not None:
            given = {name: values[None] for name, values in ranged.items()}
            limits = {f"{name}_range": np.array(interval) for name, interval in ranges.items()}
            streams = StreamsByPurpose([(seed, "library", index)])
            changed = drawn("models", self.models_section, self._shape, streams.draw, given | limits, {})
            ranged |= {name: values[0] for name, values in changed.items()}
        output = ranged.pop("output_megabytes") * units.BITS_PER_MEGABYTE
        if (log := self.logged()) is not None and log.output_bits is not None:
            output = log.output_bits
        return ModelLibrary(
            **{name: round_array(values) for name, values in ranged.items()}, output_bits=round_array(output)
        )

    def logged(self) -> LogRequests | None:
        """Return the requests of the log that count; None where requests are from no log."""
        return self.requests.requests(self._shape) if isinstance(self.requests, RequestLog) else None

    def powers_w(self, seed: int, index: int = 0) -> Array:
        """Draw the users' transmit powers [N], W, that go with the library number `index` of `seed`."""
        if self.user is None:
            return np.full(self.users, round_number(units.dbm_to_watt(self.user_power_dbm)))
        streams = StreamsByPurpose([(seed, "users", index, self.users)])
        found = drawn("user", self.user, self._shape, streams.draw, {}, {"user_power_w": (1, self.users)})
        return round_array(found["user_power_w"][0])

    def trace(self, seed: int, *path: str | int) -> Trace:
        """Draw the trace that `path` names in `seed`, such as `trace(7, "trace", 0, 10, 3)`."""
        return Trace(**{field: values[0] for field, values in self._traces([(seed, *path)]).items()})

    def traces(self, names: Sequence[TraceName]) -> dict[str, Array]:
        """Draw K traces at once, the same as one by one: each field of `Trace`, [K, T] or [K, T, N]."""
        chunk = max(1, _CHUNK_ELEMENTS // (self.slots * self.users))
        parts = [self._traces(names[k : k + chunk]) for k in range(0, len(names), chunk)]
        return {field: np.concatenate([part[field] for part in parts]) for field in parts[0]}

    def _traces(self, names: Sequence[TraceName]) -> dict[str, Array]:
        draw = StreamsByPurpose(names).draw
        numbers = [name[-1] if len(name) > 1 and isinstance(name[-1], int) else 0 for name in names]
        given: dict[str, Array] = {"trace": np.array(numbers)}
        axes = {"K": len(names), "T": self.slots, "N": self.users, "2": 2}
        for (section, promised), process in zip(_PROMISED.items(), self._processes, strict=True):
            shapes = {name: tuple(map(axes.__getitem__, letters)) for name, letters in promised.items()}
            given |= drawn(section, process, self._shape, draw, given, shapes)
        if "input_bits" not in given:
            megabytes = within(self.input_megabytes, draw("input", self.slots, self.users))
            given["input_bits"] = megabytes * units.BITS_PER_MEGABYTE
        rounded = {name: round_array(given[name]) for name in ("skewness", "channel_gain", "input_bits")}
        return rounded | {k: given[k] for k in ("requested_model", "popularity_order") if k in given}

    def popularity(self) -> Popularity | None:
        """Return the chain that the requests of every trace follow; None where it is not known beforehand."""
        mean_bits = sum(self.input_megabytes) / 2.0 * units.BITS_PER_MEGABYTE
        with at_work("requests", self._processes[0]):
            states = self._processes[0].popularity(self._shape)
            return None if states is None else Popularity(*states, mean_input_bits=mean_bits)

    @property
    def _shape(self) -> Shape:
        return Shape(self.slots, self.users, self.models, self.slot_duration_s, self.area_m)

    @property
    def _processes(self) -> tuple[Process, ...]:
        """What draws a trace: Table I's process, unless a section names another."""
        paper = ZipfMarkov(
            skewness_states=self.skewness_states, skewness_transitions=self.skewness_transitions
        )
        return self.requests or paper, self.positions or UniformPositions(), self.channel or PathLoss()

    @property
    def sections(self) -> dict[str, Process]:
        """The sections that put a process in the place of Table I's."""
        known = {name: getattr(self, name) for name in ("requests", "positions", "channel", "user")}
        known["models"] = self.models_section
        return {name: process for name, process in known.items() if process is not None}

    def with_values(self, values: Mapping[str, Any]) -> Scenario:
        """Return the scenario with other values of some fields."""
        fields = self.model_dump()
        if isinstance(fields["models"], dict) and isinstance(values.get("models"), int):
            values = {**values, "models": fields["models"] | {"count": values["models"]}}
        return validated(Scenario, fields | dict(values))

    def with_files(self, change: Callable[[str], str]) -> Self:
        """Return the scenario with the paths of its data files changed."""
        return self._with_data(lambda process, file: {"file": change(file)})

    def files_from(self, folder: Path) -> Self:
        """Return the scenario with the relative paths of its data files starting from this folder."""
        return self.with_files(lambda file: str(real_path(folder / file)))

    def sealed(self) -> Self:
        """Return the scenario with the SHA-256 of each of its data files beside it."""
        return self._with_data(lambda one, file: {"sha256": file_digest(file, getattr(one, "sha256", None))})

    def _with_data(self, change: Callable[[Process, str], dict[str, Any]]) -> Self:
        """Return the scenario with fields changed in the processes that read a file."""
        changes = {
            "models_section" if name == "models" else name: process.model_copy(update=change(process, file))
            for name, process in self.sections.items()
            if (file := getattr(process, "file", None)) is not None
        }
        return self.model_copy(update=changes) if changes else self

    def trace_count(self) -> int | None:
        """Return how many different traces there are; None: as many as one wants."""
        counts = []
        for section, process in zip(_PROMISED, self._processes, strict=True):
            with at_work(section, process):
                counts.append(process.trace_count(self._shape))
        return min((count for count in counts if count is not None), default=None)

    def check_traces(self, count: int) -> None:
        """Refuse more traces than data files hold, and traces that they hold too few users for."""
        held = self.trace_count()
        if held is not None and held < count:
            rule = f"must be at most {held}, as many as the data hold slots for"
            raise InputError("traces", rule, str(count), "ask for fewer traces, or fewer slots")
        for section, process in zip(_PROMISED, self._processes, strict=True):
            with at_work(section, process):
                process.check_traces(self._shape, count)

    def instance(
        self, name: str, library: ModelLibrary, trace: Trace, origin: dict[str, Any] | None = None,
        powers_w: Array | None = None,
    ) -> Instance:  # fmt: skip
        """Return the instance of this scenario with a library and a trace."""
        radio = Radio(
            uplink_hz=round_number(self.uplink_mhz * units.MEGA),
            downlink_hz=round_number(self.downlink_mhz * units.MEGA),
            noise_w_per_hz=round_number(units.dbm_to_watt(self.noise_dbm_per_hz)),
            bs_power_w=round_number(units.dbm_to_watt(self.bs_power_dbm)),
            user_power_w=self.powers_w(0) if powers_w is None else powers_w,
            backhaul_up_bps=round_number(self.backhaul_up_mbps * units.MEGA),
            backhaul_down_bps=round_number(self.backhaul_down_mbps * units.MEGA),
        )
        server = Server(round_number(self.storage_gb), round_number(self.steps))
        drawn = [name for name in quantities(Rules) if name in type(self).model_fields]
        asked: dict[str, Any] = {name: getattr(self, name) for name in drawn}
        asked |= {name: round_number(value) for name, value in asked.items() if isinstance(value, float)}
        rules = Rules(**asked)
        return Instance(
            name, round_number(self.preference_weight), server, radio, library, trace, origin, rules
        )
