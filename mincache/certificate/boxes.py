"""Splitting a slot's solutions into boxes whose Lagrangian bounds prove a target: what a certificate holds.

A box says of each requested model whether it may be a miss, whether it may be a hit, and how many times A3
steps its users share. Each model has a few corners in it. When these may be mixed, the least loss is that
of a linear programme with two limits, storage and steps: its duals are the prices of a leaf, and the mixture
says where to split.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from mincache.exact.prices import meeting_price
from mincache.problem.quantity import Array

_INTEGRAL_WITHIN = 1e-9
_KEPT_WITHIN = 1e-12  # relative, of the limits
_PRICE_ROUNDS = 64

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

    def regret(self, x: Array) -> Array:
        """Return the least regret of each model's users, at a hit, when they share `x` times A3 steps."""
        served = np.floor(x)
        given = (x - served) * self.full_steps
        onset = np.where(self.onset_steps > 0.0, self.onset_steps, 1.0)
        rising = self.unserved + (self.onset - self.unserved) * given / onset
        falling = self.onset * (self.full_steps - given) / (self.full_steps - self.onset_steps)
        part = np.where(given < self.onset_steps, rising, falling)
        more = np.where(x > served, part - self.unserved, 0.0)
        return np.asarray(more + (self.users - served) * self.unserved)


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


class Bound(NamedTuple):
    """What a box proves: its loss is at least `loss` at these prices; and where to split it for more."""

    loss: float
    storage_price: float
    step_price: float
    split: Split | None


class _Corners(NamedTuple):
    """What each model may do in a box: be missed, or be hit at the ends of its concave pieces."""

    missed: Array  # [K], regret; infinite where the box forbids it
    x: Array  # [4, K]
    regret: Array  # [4, K], at these x; infinite where the box forbids it
    steps: Array  # [4, K]


class _Filling(NamedTuple):
    """The best decisions at a price of steps, when models may be cached by fractions."""

    loss: float  # the bound that they give
    excess: float  # steps beyond the limit
    hit: Array  # [K], the fraction that is cached
    x: Array  # [K], service of a hit
    storage_price: float


def bound(stakes: Stakes, box: Box, target: float) -> Bound:
    """Return the best bound on the loss in a box, or one above `target` if nothing is in it."""
    corners = _corners(stakes, box)
    forced = ~box.miss
    too_much_gb = stakes.size_gb[forced].sum() - stakes.storage_gb
    too_many_steps = (box.low * stakes.full_steps)[forced].sum() - stakes.steps
    enough = 2.0 * max(target, 0.0)
    if too_much_gb > _KEPT_WITHIN * stakes.storage_gb:
        return _at(stakes, corners, enough / too_much_gb, 0.0, None)
    if too_many_steps > _KEPT_WITHIN * stakes.steps:
        return _at(stakes, corners, 0.0, enough / too_many_steps, None)
    step_price, low, high = _step_price(stakes, corners)
    best = max(low, high, key=lambda filling: filling.loss)
    return _at(stakes, corners, best.storage_price, step_price, _split(stakes, low, high))


def _corners(stakes: Stakes, box: Box) -> _Corners:
    x = np.stack([box.low, box.high, np.ceil(box.low), np.floor(box.high)])
    allowed = box.hit & (x >= box.low) & (x <= box.high)
    x = np.where(allowed, x, 0.0)
    regret = np.where(allowed, stakes.regret(x), np.inf)
    missed = np.where(box.miss & (box.low <= 0.0), stakes.cloud, np.inf)
    return _Corners(missed, x, regret, stakes.full_steps * x)


def _at(
    stakes: Stakes, corners: _Corners, storage_price: float, step_price: float, split: Split | None
) -> Bound:
    """Return the Lagrangian bound at these prices, less what rounding, here or in a limit, may add."""
    hit = (corners.regret + step_price * corners.steps).min(axis=0) + storage_price * stakes.size_gb
    least = float(np.minimum(corners.missed, hit).sum())
    limits = storage_price * stakes.storage_gb + step_price * stakes.steps
    rounding = 1e-14 * least + 2.0 * _KEPT_WITHIN * limits
    return Bound(least - limits - rounding, storage_price, step_price, split)


def _step_price(stakes: Stakes, corners: _Corners) -> tuple[float, _Filling, _Filling]:
    """Return the price of steps whose bound is highest, and the fillings just below and above it.

    The bound is concave and piecewise linear in the price, with `excess` its slope.
    """
    low_price, low = 0.0, _filling(stakes, corners, 0.0)
    if low.excess <= 0.0:
        return low_price, low, low
    # Above every user's steepest fall, so that nobody takes more than the box demands.
    high_price = 2.0 * float((stakes.onset / (stakes.full_steps - stakes.onset_steps)).max())
    high = _filling(stakes, corners, high_price)
    if high.excess > 0.0:  # by rounding: what the box demands is all there is
        return high_price, high, high
    for _ in range(_PRICE_ROUNDS):
        price = meeting_price(low_price, low.loss, low.excess, high_price, high.loss, high.excess)
        if not low_price < price < high_price:
            break
        found = _filling(stakes, corners, price)
        if found.excess > 0.0:
            low_price, low = price, found
        else:
            high_price, high = price, found
    return (low_price if low.loss >= high.loss else high_price), low, high


def _filling(stakes: Stakes, corners: _Corners, step_price: float) -> _Filling:
    priced = corners.regret + step_price * corners.steps
    corner = priced.argmin(axis=0), np.arange(priced.shape[1])
    gain = corners.missed - priced[corner]
    order = np.argsort(-gain / stakes.size_gb, kind="stable")
    size = np.where(gain > 0.0, stakes.size_gb, 0.0)[order]
    before = np.cumsum(size) - size
    hit = np.empty(size.size)
    hit[order] = np.where(
        size > 0.0, np.clip((stakes.storage_gb - before) / stakes.size_gb[order], 0, 1), 0.0
    )
    split = np.flatnonzero((hit < 1.0) & (gain > 0.0))
    price = float((gain[split] / stakes.size_gb[split]).max(initial=0.0))
    loss = hit * np.where(hit > 0.0, priced[corner], 0.0)
    loss += (1.0 - hit) * np.where(hit < 1.0, corners.missed, 0.0)
    excess = float((hit * corners.steps[corner]).sum()) - stakes.steps
    return _Filling(float(loss.sum()) - step_price * stakes.steps, excess, hit, corners.x[corner], price)


def _split(stakes: Stakes, low: _Filling, high: _Filling) -> Split | None:
    """Return the split that forbids the mixture of two fillings that uses the steps up, or None."""
    share = 0.0 if low is high else -high.excess / (low.excess - high.excess)
    hit = share * low.hit + (1.0 - share) * high.hit
    doubt = np.minimum(hit, 1.0 - hit)
    if doubt.max() > _INTEGRAL_WITHIN:
        return "cache", int(doubt.argmax())
    x = share * low.x + (1.0 - share) * high.x
    least, most = np.minimum(low.x, high.x), np.maximum(low.x, high.x)
    for i in np.flatnonzero((least < most) & (hit > 0.5) & (0.0 < share < 1.0)).tolist():
        kink = np.floor(x[i]) + stakes.onset_steps[i] / stakes.full_steps[i]
        for at in (np.floor(x[i]), np.ceil(x[i]), kink):
            if least[i] < at < most[i]:
                return "service", i, float(at)
    return None
