"""Splitting a slot's solutions into boxes whose Lagrangian bounds prove a target: what a certificate holds.

A box says of each requested model whether it may be a miss, whether it may be a hit, and between how many
A3 steps its users share. Its bound comes from a linear programme over the few corners of each model's box;
the programme's duals are the leaf's prices, its primal says where to split.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from mincache.quantity import Array

_INTEGRAL_WITHIN = 1e-9
_KEPT_WITHIN = 1e-12  # relative, of the limits
_OPTIONS = {"dual_feasibility_tolerance": 1e-10, "primal_feasibility_tolerance": 1e-10, "presolve": False}

Split = tuple[str, int] | tuple[str, int, float]
"""`("cache", i)` or `("service", i, x)`, with i the place among the requested models."""


class Stakes(NamedTuple):
    """What the requested models of a slot cost, above the ideal; each array has one entry a model."""

    size_gb: Array
    onset_steps: Array
    full_steps: Array
    users: Array
    cloud: Array  # regret of all its users if it is not cached
    unserved: Array  # regret of one user without steps, at a hit
    onset: Array  # likewise with A1 steps
    storage_gb: float
    steps: float

    def regret(self, i: Array, x: Array) -> Array:
        """Return the least regret of the users of models `i`, cached, who share `x` times A3 steps."""
        served = np.floor(x)
        given = (x - served) * self.full_steps[i]
        missing = (self.full_steps[i] - given) / (self.full_steps[i] - self.onset_steps[i])
        part = np.where(given < self.onset_steps[i], self._rising(i, given), self.onset[i] * missing)
        more = np.where(x > served, part - self.unserved[i], 0.0)
        return np.asarray(more + (self.users[i] - served) * self.unserved[i])

    def _rising(self, i: Array, given: Array) -> Array:
        onset = np.where(self.onset_steps[i] > 0.0, self.onset_steps[i], 1.0)
        return np.asarray(self.unserved[i] + (self.onset[i] - self.unserved[i]) * given / onset)


@dataclass(frozen=True, eq=False)
class Box:
    """Which decisions are in it, one entry a requested model.

    Attributes:
        miss: whether the model may be left out.
        hit: whether it may be cached.
        low: least that its users share, in units of A3 steps.
        high: most that they share.
    """

    miss: Array
    hit: Array
    low: Array
    high: Array

    @classmethod
    def whole(cls, stakes: Stakes) -> Box:
        """Return the box of all decisions; users whom steps do not help get none."""
        yes = np.ones(stakes.users.size, bool)
        return cls(yes, yes, np.zeros(yes.size), np.where(stakes.unserved > 0.0, stakes.users, 0.0))

    def halves(self, split: Split) -> tuple[Box, Box]:
        """Return the two boxes of a split: left out and cached, or at most and at least x."""
        here = np.arange(self.miss.size) == split[1]
        if len(split) == 2:
            return replace(self, hit=self.hit & ~here), replace(self, miss=self.miss & ~here)
        most, least = np.minimum(self.high, split[2]), np.maximum(self.low, split[2])
        less = replace(self, high=np.where(here, most, self.high))
        return less, replace(self, low=np.where(here, least, self.low), miss=self.miss & ~here)


class Corners(NamedTuple):
    """The corners of a box: of each model a miss, and hits at the ends of each concave piece."""

    model: Array
    hit: Array
    x: Array
    regret: Array
    storage_gb: Array
    steps: Array


class Bound(NamedTuple):
    """What a box proves: its loss is at least `loss` at these prices; and where to split it for more."""

    loss: float
    storage_price: float
    step_price: float
    split: Split | None


def bound(stakes: Stakes, box: Box, target: float) -> Bound:
    """Return the best bound on the loss in a box, or one above `target` if nothing is in it."""
    corners = _corners(stakes, box)
    forced = ~box.miss
    too_much_gb = stakes.size_gb[forced].sum() - stakes.storage_gb
    too_many_steps = (box.low * stakes.full_steps)[forced].sum() - stakes.steps
    enough = 2.0 * max(target, 0.0)
    if too_much_gb > _KEPT_WITHIN * stakes.storage_gb:
        return _at(stakes, corners, (enough / too_much_gb, 0.0), None)
    if too_many_steps > _KEPT_WITHIN * stakes.steps:
        return _at(stakes, corners, (0.0, enough / too_many_steps), None)
    prices, weight = _programme(stakes, corners)
    return _at(stakes, corners, prices, _split(stakes, box, corners, weight))


def _corners(stakes: Stakes, box: Box) -> Corners:
    ends = np.sort([box.low, box.high, np.ceil(box.low), np.floor(box.high)], axis=0)
    new = np.concatenate([np.ones((1, box.low.size), bool), ends[1:] > ends[:-1]])
    wanted = box.hit & new & (ends >= box.low) & (ends <= box.high)
    model, x = np.nonzero(wanted)[1], ends[wanted]
    missed = np.flatnonzero(box.miss & (box.low <= 0.0))
    none = np.zeros(missed.size)
    return Corners(
        model=np.concatenate([missed, model]),
        hit=np.concatenate([none, np.ones(model.size)]),
        x=np.concatenate([none, x]),
        regret=np.concatenate([stakes.cloud[missed], stakes.regret(model, x)]),
        storage_gb=np.concatenate([none, stakes.size_gb[model]]),
        steps=np.concatenate([none, stakes.full_steps[model] * x]),
    )


def _programme(stakes: Stakes, corners: Corners) -> tuple[tuple[float, float], Array]:
    """Return the prices and the weight of each corner that are optimal when corners may be mixed."""
    from scipy.optimize import linprog  # slow to import
    from scipy.sparse import csr_array

    columns = np.arange(corners.model.size)
    one_each = csr_array((np.ones(columns.size), (corners.model, columns)))
    limits = np.stack([corners.storage_gb / stakes.storage_gb, corners.steps / stakes.steps])
    found = linprog(
        corners.regret, A_ub=limits, b_ub=np.ones(2), A_eq=one_each, b_eq=np.ones(stakes.users.size),
        method="highs-ds", options=_OPTIONS,
    )  # fmt: skip
    duals = np.maximum(0.0, -found.ineqlin.marginals)
    return (float(duals[0] / stakes.storage_gb), float(duals[1] / stakes.steps)), found.x


def _at(stakes: Stakes, corners: Corners, prices: tuple[float, float], split: Split | None) -> Bound:
    """Return the Lagrangian bound at these prices, less what rounding, here or in a limit, may add."""
    priced = corners.regret + prices[0] * corners.storage_gb + prices[1] * corners.steps
    least = np.full(stakes.users.size, np.inf)
    np.minimum.at(least, corners.model, priced)
    limits = prices[0] * stakes.storage_gb + prices[1] * stakes.steps
    rounding = 1e-14 * least.sum() + 2.0 * _KEPT_WITHIN * limits
    return Bound(float(least.sum() - limits - rounding), *prices, split)


def _split(stakes: Stakes, box: Box, corners: Corners, weight: Array) -> Split | None:
    """Return the split that forbids the programme's mixture of corners, or None if it is a decision."""
    count = stakes.users.size
    hit = np.bincount(corners.model, weight * corners.hit, count)
    doubt = np.minimum(hit, 1.0 - hit)
    if doubt.max() > _INTEGRAL_WITHIN:
        return "cache", int(doubt.argmax())
    x = np.bincount(corners.model, weight * corners.x, count)
    mixed = np.flatnonzero(np.bincount(corners.model, weight > _INTEGRAL_WITHIN, count) > 1)
    for i in mixed.tolist():
        used = corners.x[(corners.model == i) & (weight > _INTEGRAL_WITHIN)]
        kink = np.floor(x[i]) + stakes.onset_steps[i] / stakes.full_steps[i]
        for at in (np.floor(x[i]), np.ceil(x[i]), kink):
            if used.min() < at < used.max():
                return "service", i, float(at)
    return None
