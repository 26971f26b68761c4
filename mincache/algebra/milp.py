"""The instance as a mixed-integer linear program, its users taken together by the models that they ask for.

At the optimum each hit gets no steps or A3, but for one a slot. So a model requested in a slot needs a binary
for the cache, an integer for how many are served fully, and a binary for the one served in part. Under a
floor on steps only the cache is integer. The split of the bandwidth is the optimal one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from mincache.algebra.rounding import within_limits
from mincache.algebra.service_cost import ServiceTable, cacheable, loading_cost, sum_by_model
from mincache.exact.bandwidth import optimal_bandwidth
from mincache.problem.constraints import TOLERANCE
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.problem.solution import Decisions
from mincache.solving.feasible import frame_starts, hits, per_slot, raise_to_floor

_SMALLEST = 1e-9  # coefficients below are dropped by solvers, with a complaint
_SLACK = 1e-9  # of a bound that becomes a constraint


@dataclass(frozen=True, eq=False)
class Cells:
    """The models requested in each slot, and the frames in which caching one is of use.

    A cell is a model requested in a slot. A holding is a model in a frame where it is requested, or is so in
    the first slot of the next one and then need not be loaded.
    """

    slot: Array  # [cells]
    model: Array
    count: Array  # [cells], how many ask for the model
    cell: Array  # [T, N], which cell a request belongs to
    least: Array  # [cells], steps of a hit at least
    low: Array  # [cells], steps at which quality begins to improve, cut off at L
    high: Array  # [cells], A3, cut off at L
    low_saving: Array  # [cells], what a hit costs less with `low` steps than with `least`
    high_saving: Array  # [cells], and with `high` steps
    frame: Array  # [holdings]
    held_model: Array  # [holdings]
    holding: Array  # [cells], the holding that a cell belongs to
    hit_cost: Array  # [cells], what all its requests cost more as hits with `least` steps than in the cloud
    held_cost: Array  # [holdings], the same for all its cells
    loads: Array  # [loads], the cells in which a model may have to be loaded, but for those of the first slot
    before: Array  # [loads], the holding of the frame before
    wait: Array  # [loads], what loading costs
    first_wait: Array  # [holdings], what loading before the first slot costs
    cloud_cost: Array  # [T], of all requests in the cloud

    @classmethod
    def of(cls, instance: Instance) -> Cells:
        """Return the cells and holdings of `instance`."""
        T, M, F = instance.slot_count, instance.model_count, instance.rules.frame_slots
        table = ServiceTable.of(instance)
        place = instance.trace.requested_model + M * np.arange(T)[:, None]
        places, first, cell, count = np.unique(
            place.ravel(), return_index=True, return_inverse=True, return_counts=True
        )
        slot, model = np.divmod(places, M)
        steps, cost = (values.reshape(-1, 3, 2)[first] for values in (table.steps, table.edge_cost))

        wait = loading_cost(instance)[slot, model]
        key = slot // F * M + model
        loads = np.flatnonzero((wait > 0.0) & (slot >= F))
        keys = np.unique(np.concatenate([key, key[loads] - M]))
        holding = np.searchsorted(keys, key)
        hit = sum_by_model(instance, table.edge_cost[..., 0, 0] - table.cloud_cost)[slot, model]
        return cls(
            slot, model, count, cell.reshape(place.shape),
            least=steps[:, 0, 0], low=steps[:, 1, 0], high=steps[:, 1, 1],
            low_saving=cost[:, 0, 0] - cost[:, 1, 0], high_saving=cost[:, 0, 0] - cost[:, 1, 1],
            frame=keys // M, held_model=keys % M, holding=holding,
            hit_cost=hit, held_cost=np.bincount(holding, hit, keys.size),
            loads=loads, before=np.searchsorted(keys, key[loads] - M), wait=wait[loads],
            first_wait=np.bincount(holding, np.where(slot < F, wait, 0.0), keys.size),
            cloud_cost=table.cloud_cost.sum(axis=1),
        )  # fmt: skip

    @cached_property
    def rank(self) -> Array:
        """How many users before it ask for the same model in the same slot, for each request, [T, N]."""
        requests = self.cell.ravel()
        order = np.argsort(requests, kind="stable")
        rank = np.empty_like(requests)
        rank[order] = np.arange(requests.size) - np.repeat(np.cumsum(self.count) - self.count, self.count)
        return rank.reshape(self.cell.shape)

    def steps(self, served: Array, cached: Array) -> Array:
        """Return steps [T, N]: `high` for so many `served` of a cell in turn, then the rest, then `least`."""
        hit = cached[self.cell]
        full = np.clip(served[self.cell] - self.rank * hit, 0.0, hit)
        return np.asarray(hit * self.least[self.cell] + full * (self.high - self.least)[self.cell])

    def cache(self, instance: Instance, held: Array) -> Array:
        """Return the values of holdings as those of models in slots, [T, M]; 0 elsewhere."""
        values = np.zeros((len(frame_starts(instance)), instance.model_count), dtype=held.dtype)
        values[self.frame, self.held_model] = held
        return per_slot(instance, values)


Entries = tuple[Array, Array, Array]
"""Some of a matrix: rows, columns and coefficients."""


class Columns(NamedTuple):
    """Where the variables stand, or one value for each of them."""

    cached: Array  # [holdings], binary
    full: Array  # [cells], how many are served fully
    partly: Array  # [cells], binary, whether one is served in part
    extra: Array  # [cells], how far from A1 to A3 that one's steps are
    loaded: Array  # [loads], in [0, 1]


class LinearConstraints(NamedTuple):
    """Constraints lower <= A x <= upper."""

    row: Array  # [entries of A], in any order
    column: Array  # [entries]
    value: Array  # [entries]
    lower: Array  # [rows]
    upper: Array  # [rows]


@dataclass(frozen=True, eq=False)
class Program:
    """Minimise cost @ x subject to `rows` and 0 <= x <= most."""

    instance: Instance
    cells: Cells  # what the variables decide
    columns: Columns  # where they stand
    cost: Array  # [columns], in the cost (10) summed over requests, above the cloud's; without uploads
    most: Array  # [columns]
    integral: Array  # bool [columns]
    rows: LinearConstraints  # the constraints


def apply(instance: Instance, slot_bounds: Array | None = None, frame_bounds: Array | None = None) -> Program:
    """Return the program of `instance`.

    Bounds on the cost of a slot's or frame's requests, without loading and uploads, become constraints.
    """
    cells = Cells.of(instance)
    sizes = (cells.frame.size, *(cells.slot.size,) * 3, cells.loads.size)
    columns = Columns(*np.split(np.arange(sum(sizes)), np.cumsum(sizes)[:-1]))
    floored = instance.rules.steps_floor > 0.0
    fits = instance.models.steps_saturation[cells.model] / instance.server.steps <= 1.0 + TOLERANCE
    once, free = np.full(cells.slot.size, float(not floored)), np.zeros(cells.slot.size, dtype=bool)
    most = Columns(
        cached=cacheable(instance)[cells.frame * instance.rules.frame_slots, cells.held_model],
        full=cells.count * (fits | floored), partly=once, extra=once, loaded=np.ones(cells.loads.size),
    )  # fmt: skip
    integral = Columns(
        np.ones(cells.frame.size, dtype=bool), ~free & (not floored), ~free, free, np.zeros(cells.loads.size)
    )
    between = cells.low_saving - cells.high_saving
    cost = Columns(cells.held_cost, -cells.high_saving, -cells.low_saving, between, cells.wait)
    parts = [*_limits(instance, cells, columns), *_links(cells, columns)]
    if slot_bounds is not None:
        hit = (cells.slot, columns.cached[cells.holding], cells.hit_cost)
        parts.append(_cuts(slot_bounds - cells.cloud_cost, [hit, *_service(cells.slot, columns, cost)]))
    if frame_bounds is not None:
        in_frame = cells.frame[cells.holding]
        held = (cells.frame, columns.cached, cells.held_cost)
        cloud = np.add.reduceat(cells.cloud_cost, frame_starts(instance))
        parts.append(_cuts(frame_bounds - cloud, [held, *_service(in_frame, columns, cost)]))
    first = cost._replace(cached=cost.cached + cells.first_wait)
    return Program(
        instance, cells, columns, np.concatenate(first), np.concatenate(most).astype(float),
        np.concatenate(integral).astype(bool), _stacked(parts),
    )  # fmt: skip


def invert(program: Program, values: Array) -> Decisions:
    """Return the decisions in `values` [columns], which serve the users of a model in their order."""
    instance, cells = program.instance, program.cells
    cached, full, partly, extra, _ = (values[group] for group in program.columns)
    cache = cells.cache(instance, cached > 0.5)
    if instance.rules.steps_floor > 0.0:
        steps = cells.steps(full, np.ones_like(full))
    else:
        whole = np.rint(full)
        one = np.where(partly > 0.5, cells.low + extra * (cells.high - cells.low), 0.0)
        steps = np.where(
            cells.rank == whole[cells.cell], one[cells.cell], cells.steps(whole, np.ones_like(whole))
        )
    steps = np.where(hits(instance, cache), steps, 0.0)
    shares = within_limits(steps / instance.server.steps)
    return Decisions(cache, optimal_bandwidth(instance), raise_to_floor(instance, cache, shares))


def known_values(program: Program, decisions: Decisions) -> tuple[Array, Array]:
    """Return columns and their values that decisions fix: what is cached, and who has A3 steps."""
    instance, cells = program.instance, program.cells
    cached = decisions.cache[cells.frame * instance.rules.frame_slots, cells.held_model]
    needed = (instance.models.steps_saturation / instance.server.steps)[instance.trace.requested_model]
    served = hits(instance, decisions.cache) & (decisions.step_share >= needed * (1.0 - _SLACK))
    full = np.bincount(cells.cell.ravel(), served.ravel(), cells.slot.size)
    columns = np.concatenate([program.columns.cached, program.columns.full])
    known = np.concatenate([cached, full]).astype(float)
    fixed = program.integral[columns]
    return columns[fixed], known[fixed]


def _limits(instance: Instance, cells: Cells, columns: Columns) -> list[LinearConstraints]:
    """Return the limits on storage (11d) and steps (11f), and that one user a slot is served in part."""
    T, L = instance.slot_count, instance.server.steps
    size = instance.models.size_gb[cells.held_model] / instance.server.storage_gb
    floored = instance.rules.steps_floor > 0.0
    full = cells.high - cells.least if floored else instance.models.steps_saturation[cells.model]
    steps = [
        (cells.slot, columns.cached[cells.holding], cells.count * cells.least / L),
        (cells.slot, columns.full, full / L),
        (cells.slot, columns.partly, cells.low / L),
        (cells.slot, columns.extra, (cells.high - cells.low) / L),
    ]
    one = (cells.slot, columns.partly, np.ones(cells.slot.size))
    frames = int(cells.frame[-1]) + 1
    return [
        _rows([(cells.frame, columns.cached, _coefficients(size))], frames, upper=1.0),
        _rows([(slot, column, _coefficients(part)) for slot, column, part in steps], T, upper=1.0),
        _rows([one], T, upper=1.0),
    ]


def _links(cells: Cells, columns: Columns) -> list[LinearConstraints]:
    """Return that only hits are served, that only who is served has extra steps, and what is loaded."""
    each, ones = np.arange(cells.slot.size), np.ones(cells.slot.size)
    load, one = np.arange(cells.loads.size), np.ones(cells.loads.size)
    hit = (each, columns.cached[cells.holding], -1.0 * cells.count)
    now = (load, columns.cached[cells.holding[cells.loads]], -one)
    return [
        _rows([(each, columns.full, ones), (each, columns.partly, ones), hit], each.size, upper=0.0),
        _rows([(each, columns.extra, ones), (each, columns.partly, -ones)], each.size, upper=0.0),
        _rows([(load, columns.loaded, one), now, (load, columns.cached[cells.before], one)], load.size, 0.0),
    ]


def _service(row: Array, columns: Columns, cost: Columns) -> list[Entries]:
    """Return what serving users costs, added up in `row` [cells]."""
    kinds = (columns.full, columns.partly, columns.extra), (cost.full, cost.partly, cost.extra)
    return [(row, column, value) for column, value in zip(*kinds, strict=True)]


def _cuts(lower: Array, entries: list[Entries]) -> LinearConstraints:
    """Return that costs are no less than `lower`, each row scaled to coefficients of 1 at most."""
    scale = np.full(lower.size, _SMALLEST)
    for row, _, value in entries:
        np.maximum.at(scale, row, np.abs(value))
    scaled = [(row, column, value / scale[row]) for row, column, value in entries]
    lower = lower / scale
    return _rows(scaled, lower.size, lower=lower - _SLACK * (1.0 + np.abs(lower)))


def _rows(
    entries: list[Entries], count: int, lower: float | Array = -np.inf, upper: float | Array = np.inf
) -> LinearConstraints:
    row, column, value = (np.concatenate(part) for part in zip(*entries, strict=True))
    kept = value != 0.0
    limits = (np.broadcast_to(np.float64(limit), count) for limit in (lower, upper))
    return LinearConstraints(row[kept], column[kept], value[kept], *limits)


def _stacked(parts: list[LinearConstraints]) -> LinearConstraints:
    """Return all constraints, one kind after the other, entries by row."""
    first = np.cumsum([0, *(part.lower.size for part in parts)])
    row = np.concatenate([part.row + start for part, start in zip(parts, first[:-1], strict=True)])
    order = np.argsort(row, kind="stable")
    column, value = (np.concatenate([part[i] for part in parts])[order] for i in (1, 2))
    return LinearConstraints(
        row[order], column, value, *(np.concatenate([part[i] for part in parts]) for i in (3, 4))
    )


def _coefficients(part: Array) -> Array:
    """Return parts of a whole as solvers take them; one that does not fit has a variable fixed at 0."""
    return np.where(part < _SMALLEST, 0.0, np.minimum(part, 2.0))
