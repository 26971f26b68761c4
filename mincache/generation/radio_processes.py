"""Processes of what the radio depends on: users' positions, in metres from the base station, and channels."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import AfterValidator, Field, model_validator

from mincache.errors import InputError, excerpt, in_file
from mincache.files.tables import PairOf, StrictTable
from mincache.generation.data_files import check_filled, numbers, read_columns
from mincache.generation.digits import round_number
from mincache.generation.process import (
    DataFile,
    Decibel,
    Digest,
    Draw,
    Interval,
    Length,
    Positive,
    Process,
    Shape,
    normal,
    ordered,
    within,
)
from mincache.problem import equations, units
from mincache.problem.quantity import Array

_MINIMUM_DISTANCE_M = 1.0
_MOST_WALKS = 1e7  # of all users in a trace; an hour of walking takes about a hundred


class UniformPositions(Process):
    """The paper's positions: anywhere in the area, independent in each slot."""

    process: Literal["uniform"] = "uniform"

    def draw(self, shape: Shape, uniforms: Draw, given: Mapping[str, Array]) -> dict[str, Array]:
        """Draw the positions."""
        position = uniforms("position", shape.slots, shape.users, 2)
        return {"position_m": (position - 0.5) * np.array(shape.area_m)}


class ClusteredPositions(Process):
    """Users around hot spots: user n belongs to hot spot n modulo clusters for the whole trace.

    `spread_m` is the standard deviation around a hot spot; users stay within the area.
    """

    process: Literal["clustered"] = "clustered"
    clusters: Annotated[int, Field(ge=1, le=1000)] = 3
    spread_m: Positive = 15.0

    def draw(self, shape: Shape, uniforms: Draw, given: Mapping[str, Array]) -> dict[str, Array]:
        """Draw the hot spots and the positions around them."""
        area = np.array(shape.area_m)
        spots = (uniforms("clustered/spots", self.clusters, 2) - 0.5) * area
        around = self.spread_m * normal(uniforms("clustered/around", shape.slots, shape.users, 2))
        position = spots[:, None, np.arange(shape.users) % self.clusters] + around
        return {"position_m": np.clip(position, -area / 2, area / 2)}


class RandomWaypoint(Process):
    """Users who walk in a straight line to a point of the area, wait, and walk on to the next.

    Source: Johnson and Maltz, doi:10.1007/978-0-585-29603-6_5. Speeds must be above 0, since users slow
    down for ever otherwise (Yoon, Liu and Noble, doi:10.1109/INFCOM.2003.1209220).
    """

    process: Literal["random-waypoint"] = "random-waypoint"
    speed_m_s: Interval = (0.5, 2.0)
    pause_s: Length = 0.0

    @model_validator(mode="after")
    def _check_speed(self) -> Self:
        if self.speed_m_s[0] <= 0.0:
            raise InputError("speed_m_s", "must hold speeds > 0", excerpt(list(self.speed_m_s)))
        return self

    def check(self, shape: Shape) -> None:
        """Refuse walks so short that very many would have to be drawn."""
        # About a third of the longer side lies between two points.
        walk_s = max(shape.area_m) / 3.0 / self.speed_m_s[1] + self.pause_s
        if shape.users * shape.slots * shape.slot_duration_s > _MOST_WALKS * walk_s:
            rule = f"must be so low that all users walk at most {_MOST_WALKS:.0e} times"
            advice = "or choose a larger area_m, a larger pause_s, or a shorter slot_duration_s"
            raise InputError("speed_m_s", rule, excerpt(list(self.speed_m_s)), advice)

    def draw(self, shape: Shape, uniforms: Draw, given: Mapping[str, Array]) -> dict[str, Array]:
        """Draw the walks, and the positions at the beginning of each slot."""
        T, N = shape.slots, shape.users
        now = np.arange(T) * shape.slot_duration_s
        begin = np.array(shape.area_m) * (uniforms("random-waypoint/points", N, 1, 2) - 0.5)
        blocks, ends = [begin], [np.zeros(begin.shape[:-1])]
        # Walks are drawn by the block until each user has one under way in the last slot.
        while (ends[-1][..., -1] <= now[-1]).any():
            drawn = np.array(shape.area_m) * (uniforms("random-waypoint/points", N, T, 2) - 0.5)
            speeds = within(self.speed_m_s, uniforms("random-waypoint/speeds", N, T))
            lengths = np.linalg.norm(np.diff(drawn, axis=2, prepend=blocks[-1][:, :, -1:]), axis=-1)
            ends.append(ends[-1][..., -1:] + np.cumsum(lengths / speeds + self.pause_s, axis=-1))
            blocks.append(drawn)
        points, arrivals = np.concatenate(blocks, 2), np.concatenate(ends, -1)
        ended = [
            np.searchsorted(user[1:], now, side="right") for user in arrivals.reshape(-1, arrivals.shape[2])
        ]
        walk = np.array(ended).reshape(*arrivals.shape[:2], T)
        starts, arrives = (np.take_along_axis(arrivals, walk + k, axis=-1) for k in (0, 1))
        travel_s = np.maximum(arrives - starts - self.pause_s, 1e-9)
        done = np.clip((now - starts) / travel_s, 0.0, 1.0)[..., None]
        here, there = (np.take_along_axis(points, walk[..., None] + k, axis=2) for k in (0, 1))
        return {"position_m": np.swapaxes(here + done * (there - here), 1, 2)}


class PositionColumns(StrictTable):
    """Which column of a log holds seconds, the user (any text), and metres east and north of the station."""

    time: str = "time"
    user: str = "user"
    x: str = "x"
    y: str = "y"


class PositionLog(Process):
    """Positions from a file: where users were, and when; between two rows they move in a straight line.

    The file is CSV or Parquet. Its first N users are taken, and trace k begins k T slots after its first row.
    """

    process: Literal["log"] = "log"
    file: DataFile
    sha256: Digest = None
    columns: PositionColumns = PositionColumns()

    def draw(self, shape: Shape, uniforms: Draw, given: Mapping[str, Array]) -> dict[str, Array]:
        """Read the positions at the beginning of each slot; after the last trace the first follows again."""
        time_s, user, place = self._rows()
        held = self.trace_count(shape)
        first = (given["trace"] % held) * shape.slots * shape.slot_duration_s
        at = first[:, None] + np.arange(shape.slots) * shape.slot_duration_s  # [K, T]
        position = np.empty((*at.shape, shape.users, 2))
        for n in range(shape.users):
            rows = np.flatnonzero(user == n)
            rows = rows[np.argsort(time_s[rows], kind="stable")]
            for axis in (0, 1):
                position[:, :, n, axis] = np.interp(at, time_s[rows] - time_s.min(), place[rows, axis])
        return {"position_m": position}

    def trace_count(self, shape: Shape) -> int:
        """Return how many traces of T slots the log holds."""
        time_s, user, _ = self._rows()
        slots = int(min(np.ptp(time_s) // shape.slot_duration_s, 2.0**53)) + 1
        with in_file(self.file):
            if slots < shape.slots:
                rule = f"must be at most {slots}, as many as the file covers"
                raise InputError("slots", rule, str(shape.slots))
            if (known := user.max() + 1) < shape.users:
                raise InputError("users", f"must be at most {known}, those in the file", str(shape.users))
        return slots // shape.slots

    def _rows(self) -> tuple[Array, Array, Array]:
        """Return the time [R], the user's number [R] and the position [R, 2] of each row."""
        names = (self.columns.time, self.columns.user, self.columns.x, self.columns.y)
        columns = read_columns(self.file, names, self.sha256)
        with in_file(self.file):
            if not columns[names[0]]:
                raise InputError("file", "must hold a row", "none")
            check_filled(names[1], columns[names[1]], range(len(columns[names[1]])))
            time_s, x, y = (numbers(name, columns[name]) for name in (names[0], *names[2:]))
        people: dict[str, int] = {}
        user = np.array([people.setdefault(text, len(people)) for text in columns[names[1]]])
        return time_s, user, np.stack([x, y], axis=-1)


class PathLoss(Process):
    """Path loss (3), shadowing, blockage and fading; the defaults are the paper's.

    Attributes:
        at_1_km_db: gain at one kilometre (negative).
        exponent: ten times the distance costs ten times the exponent in dB.
        shadowing_db: standard deviation of lognormal shadowing.
        correlation_m: distance over which shadowing decorrelates to 1/e as a user moves, m
            (Gudmundson, doi:10.1049/el:19911328).
        line_of_sight_m: a user at distance d has line of sight with probability exp(-d / line_of_sight_m); 0
            means that all have.
        blockage_db: what a user without line of sight loses.
        k_db: Rician factor: power of the direct path over that of the scattered ones.
        coherence_slots: slots over which fading and line of sight stay as they are.
    """

    process: Literal["path-loss"] = "path-loss"
    at_1_km_db: Annotated[float, Field(ge=-1000, le=1000)] = -128.1
    exponent: Annotated[float, Field(gt=0, le=20)] = 3.76
    shadowing_db: Annotated[float, Field(ge=0, le=50)] = 0.0
    correlation_m: Positive = 50.0
    line_of_sight_m: Length = 0.0
    blockage_db: Annotated[float, Field(ge=0, le=200)] = 20.0
    fading: Literal["rayleigh", "rician", "none"] = "rayleigh"
    k_db: Annotated[float, Field(ge=-100, le=100)] = 6.0
    coherence_slots: Annotated[int, Field(ge=1)] = 1

    def draw(self, shape: Shape, uniforms: Draw, given: Mapping[str, Array]) -> dict[str, Array]:
        """Draw the gain h of each user in each slot."""
        offset = given["position_m"]
        distance_m = np.maximum(np.sqrt((offset * offset).sum(axis=-1)), _MINIMUM_DISTANCE_M)
        decade_db = round_number(10.0 * self.exponent)
        gain_db = equations.path_loss_db(distance_m / units.METRES_PER_KILOMETRE, self.at_1_km_db, decade_db)
        if self.shadowing_db:
            gain_db = gain_db + self._shadowing_db(offset, uniforms("channel/shadowing", *offset.shape[1:3]))
        if self.line_of_sight_m:
            drawn = self._kept(uniforms("channel/sight", *offset.shape[1:3]))
            gain_db = gain_db - self.blockage_db * (drawn > np.exp(-distance_m / self.line_of_sight_m))
        return {"channel_gain": units.decibel_to_ratio(gain_db) * self._fading(shape, uniforms)}

    def _kept(self, values: Array) -> Array:
        """Return values [K, T, ...], each block of coherent slots with its first slot's."""
        slots = np.arange(values.shape[1])
        return values[:, slots - slots % self.coherence_slots]

    def _fading(self, shape: Shape, uniforms: Draw) -> Array | float:
        """Draw the power of fading, [K, T, N], of mean 1."""
        if self.fading == "none":
            return 1.0
        if self.fading == "rayleigh":
            return -np.log(self._kept(uniforms("fading", shape.slots, shape.users)))
        ratio = units.decibel_to_ratio(self.k_db)
        scattered = normal(self._kept(uniforms("channel/rician", shape.slots, shape.users, 2)))
        direct = np.array([np.sqrt(2.0 * ratio), 0.0])
        return np.asarray(((direct + scattered) ** 2).sum(axis=-1) / (2.0 * (ratio + 1.0)))

    def _shadowing_db(self, position_m: Array, uniforms: Array) -> Array:
        """Return shadowing [K, T, N] that decorrelates with the distance moved."""
        shadowing = normal(uniforms)
        moved_m = np.linalg.norm(np.diff(position_m, axis=1), axis=-1)
        kept = np.exp(-moved_m / self.correlation_m)
        for t in range(1, shadowing.shape[1]):
            rho = kept[:, t - 1]
            shadowing[:, t] = rho * shadowing[:, t - 1] + np.sqrt(1.0 - rho**2) * shadowing[:, t]
        return self.shadowing_db * shadowing


class PowerRange(Process):
    """Users of different transmit powers, each with one power for all traces of a library."""

    process: Literal["power-range"] = "power-range"
    power_dbm: Annotated[PairOf[Decibel], AfterValidator(ordered)] = (10.0, 23.0)

    def draw(self, shape: Shape, uniforms: Draw, given: Mapping[str, Array]) -> dict[str, Array]:
        """Draw the power of each user."""
        drawn = uniforms("user/power", shape.users)
        return {"user_power_w": units.dbm_to_watt(within(self.power_dbm, drawn))}
