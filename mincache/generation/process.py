"""Processes: how one part of an instance is drawn, each a frozen table of fields with streams of its own."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, NamedTuple, Protocol

import numpy as np
from pydantic import AfterValidator, Field

from mincache.errors import InputError, MincacheError, line_of
from mincache.files.tables import PairOf, StrictTable
from mincache.problem.quantity import Array


def ordered(interval: tuple[float, float]) -> tuple[float, float]:
    """Return an interval whose ends are in order; any other is refused."""
    if not interval[0] <= interval[1]:
        raise ValueError("must be [low, high] with low <= high")
    return interval


MOST_NUMBERS = 20_000_000
"""A process may not draw larger tables than this; each is held several times, 8 bytes a number."""
LARGEST = 1e30
"""Larger numbers would overflow where they are squared or given in another unit."""
Interval = Annotated[PairOf[Annotated[float, Field(ge=-LARGEST, le=LARGEST)]], AfterValidator(ordered)]
"""A uniform distribution over the open interval (low, high); low == high is a constant."""
Probability = Annotated[float, Field(ge=0, le=1)]
Length = Annotated[float, Field(ge=0, le=LARGEST)]
Positive = Annotated[float, Field(gt=0, le=LARGEST)]
Decibel = Annotated[float, Field(ge=-1000, le=1000)]
DataFile = Annotated[str, Field(pattern=r"^[^\x00]+$")]
"""The path of a CSV or Parquet file; in a scenario's file, from its folder."""
Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None
"""The SHA-256 of a process's file, which `generate` fills in."""


class Draw(Protocol):
    """Uniforms of K traces, by purpose."""

    def __call__(self, purpose: str, *shape: int) -> Array:
        """Return uniforms in (0, 1), [K, *shape], the next of the stream of this purpose in each trace."""


@dataclass(frozen=True)
class Shape:
    """The sizes T, N and M that a process fills, and the area's sides with the base station at its centre."""

    slots: int
    users: int
    models: int
    slot_duration_s: float
    area_m: tuple[float, float]


class States(NamedTuple):
    """The states of a popularity chain, and its moves; arrays are those of `Popularity`."""

    probability: Array
    transition: Array
    order: Array
    skewness: Array


class Process(StrictTable):
    """How one part of an instance is drawn; the fields are its parameters, `process` is its name."""

    process: str
    version: ClassVar[str] = "1"
    """Changes whenever the same fields could draw other numbers."""

    def draw(self, shape: Shape, uniforms: Draw, given: Mapping[str, Array]) -> dict[str, Array]:
        """Draw this part of K traces; `given` is what earlier sections drew, and `trace` [K], their numbers.

        Requests return `skewness` [K, T] and `requested_model` [K, T, N], perhaps `input_bits` [K, T, N] and
        `popularity_order` [K, T]; positions `position_m` [K, T, N, 2]; the channel `channel_gain` [K, T, N];
        users `user_power_w` [K, N]; models the scenario's ranges by field [K, M], such as `size_gb`.
        """
        raise NotImplementedError

    def check(self, shape: Shape) -> None:
        """Refuse sizes that these fields cannot always be drawn for; the message begins with the field."""

    @property
    def origin(self) -> dict[str, Any]:
        """What an instance's origin tells: name, version, and the SHA-256 of the file if there is one."""
        told = {"process": self.process, "version": self.version}
        digest = getattr(self, "sha256", None)
        return told | ({"sha256": digest} if digest else {})

    def popularity(self, shape: Shape) -> States | None:
        """Return the chain that requests follow; None where it cannot be told before a trace is drawn."""
        return None

    def trace_count(self, shape: Shape) -> int | None:
        """Return how many different traces there are; None: as many as one wants."""
        return None

    def check_traces(self, shape: Shape, count: int) -> None:
        """Refuse one of the first traces that cannot be drawn; only data files can lack what it takes."""


@contextmanager
def at_work(section: str, process: Process) -> Iterator[None]:
    """Say in a line what a section's process raises: a package's may raise anything."""
    try:
        yield
    except MincacheError:
        raise
    except (Exception, SystemExit) as error:
        rule = f"must be drawn by the process {process.process!r}"
        raise InputError(section, rule, line_of(error)) from error


def drawn(
    section: str, process: Process, shape: Shape, uniforms: Draw, given: Mapping[str, Array],
    promised: Mapping[str, tuple[int, ...]],
) -> dict[str, Array]:  # fmt: skip
    """Return what a section's process draws; a failure, or an array that is not as promised, is refused."""
    with at_work(section, process):
        found = process.draw(shape, uniforms, given)
        shapes = {name: np.shape(found[name]) for name in promised}
        kinds = {name: np.asarray(values).dtype for name, values in found.items()}
    for name, kind in kinds.items():
        if kind.kind not in "biuf":
            raise InputError(f"{section}: {name}", "must be an array of numbers", f"an array of {kind}")
    for name, size in promised.items():
        if shapes[name] != size:
            rule = f"must have shape {list(size)}, as the process {process.process!r} promises"
            raise InputError(f"{section}: {name}", rule, str(list(shapes[name])))
    return found


def check_table(field: str, value: float, numbers: float, what: str) -> None:
    """Refuse a field's value that makes a table of too many numbers."""
    if numbers > MOST_NUMBERS:
        raise InputError(field, f"must be lower, for {what} to be at most {MOST_NUMBERS}", f"{value:g}")


def normal(uniforms: Array) -> Array:
    """Return standard normal numbers of uniforms, the same shape."""
    from scipy.special import ndtri

    return np.asarray(ndtri(uniforms))


def within(interval: tuple[float, float], uniforms: Array) -> Array:
    """Return numbers uniform in an interval, of uniforms of the same shape."""
    low, high = interval
    return low + (high - low) * uniforms


def choose(probabilities: Array, uniforms: Array) -> Array:
    """Return indices [..., N] drawn of uniforms [..., N] with probabilities [M] for all, or [..., M]."""
    # Of the sums the last is left out: its index takes what rounding leaves between it and 1.
    limits = np.cumsum(probabilities, axis=-1)[..., :-1]
    if limits.ndim == 1:
        return np.searchsorted(limits, uniforms, side="right")
    rows = zip(limits.reshape(-1, limits.shape[-1]), uniforms.reshape(-1, uniforms.shape[-1]), strict=True)
    chosen = [np.searchsorted(limit, drawn, side="right") for limit, drawn in rows]
    return np.array(chosen).reshape(uniforms.shape)
