"""Processes of the channel and of the users' powers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from mincache.generation.digits import round_number
from mincache.generation.process import Draw, Interval, Length, Process, Shape, normal, within
from mincache.problem import equations, units
from mincache.problem.quantity import Array

_MINIMUM_DISTANCE_M = 1.0


class PathLoss(Process):
    """Path loss (3), shadowing, blockage and fading; the defaults are the paper's.

    Attributes:
        at_1_km_db: gain at one kilometre, dB (negative).
        exponent: path loss exponent; ten times the distance costs ten times the exponent in dB.
        shadowing_db: standard deviation of lognormal shadowing, dB; 0 for none.
        correlation_m: distance over which shadowing decorrelates to 1/e as a user moves, m
            (Gudmundson, doi:10.1049/el:19911328).
        line_of_sight_m: a user at distance d has line of sight with probability exp(-d / line_of_sight_m); 0
            means that all have.
        blockage_db: what a user without line of sight loses, dB.
        fading: `rayleigh` (power Exp(1), the paper's), `rician` or `none`.
        k_db: Rician factor: power of the direct path over that of the scattered ones, dB.
        coherence_slots: slots over which fading and line of sight stay as they are.
    """

    process: Literal["path-loss"] = "path-loss"
    at_1_km_db: Annotated[float, Field(ge=-1000, le=1000)] = -128.1
    exponent: Annotated[float, Field(gt=0, le=20)] = 3.76
    shadowing_db: Annotated[float, Field(ge=0, le=50)] = 0.0
    correlation_m: Annotated[float, Field(gt=0)] = 50.0
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
    """Users of different transmit powers, each with one power for all traces of a library.

    Attributes:
        power_dbm: p_n, uniform in this interval, dBm.
    """

    process: Literal["power-range"] = "power-range"
    power_dbm: Interval = (10.0, 23.0)

    def draw(self, shape: Shape, uniforms: Draw, given: Mapping[str, Array]) -> dict[str, Array]:
        """Draw the power of each user."""
        drawn = uniforms("user/power", shape.users)
        return {"user_power_w": units.dbm_to_watt(within(self.power_dbm, drawn))}
