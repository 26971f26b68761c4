"""What a slot costs when a model of its cache changes sides: the step that local searches take most often."""

from functools import partial
from operator import index

import numpy as np

from mincache.errors import InputError, excerpt
from mincache.exact import slot_loops as rows
from mincache.exact.best_service import checked_cache, prepared
from mincache.exact.loops import Loops, choose_loops
from mincache.exact.passes import with_slack
from mincache.exact.regrets import loading_losses
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array


class SlotPricer:
    """Prices the cache of a slot with the best bandwidth and steps, and its neighbours.

    A price is the slot's mean cost, as `evaluate` finds it for what `serve` returns; infinite where the cache
    does not fit the storage, or the steps do not suffice for the floor. Numba compiles the loops where that
    pays, if it is installed.

    Args:
        instance: the instance.
        slot: which of its slots.
        cache: [M], 0 or 1, to begin with; by default nothing.
        cached_before: [M], what was cached in the slot before, where loading takes time; by default nothing.
        compiled: whether to run compiled loops; by default once plain ones have taken half a second.
        remaining_s: seconds left; with few of them, nothing is compiled anew.

    Raises:
        InputError: if there is no such slot, or a cache is not [M], 0 or 1.

    Example:
        >>> import mincache
        >>> pricer = mincache.SlotPricer(mincache.load("smoke-v1.l0.n10.t0"), slot=3)
        >>> nothing = pricer.cost
        >>> best = int(pricer.toggled_costs().argmin())
        >>> pricer.toggle(best) < nothing
        True
        >>> pricer.cache[best], pricer.toggled_cost(best) == nothing
        (True, True)
    """

    def __init__(
        self, instance: Instance, slot: int, cache: Array | None = None, cached_before: Array | None = None,
        compiled: bool | None = None, remaining_s: float = float("inf"),
    ) -> None:  # fmt: skip
        T, M = instance.slot_count, instance.model_count
        if not isinstance(slot, int | np.integer) or isinstance(slot, bool) or not 0 <= slot < T:
            raise InputError("slot", f"must be a slot from 0 to {T - 1}", excerpt(slot))
        self._model_count, self._choose = M, partial(choose_loops, compiled=compiled, remaining_s=remaining_s)
        self._numbers = np.zeros((rows.NUMBER_ROWS, M + rows.WIDEST))
        self._wholes = np.zeros((rows.WHOLE_ROWS, M + rows.WIDEST), np.int64)
        self._truths = np.zeros((2, M + rows.WIDEST), np.bool_)
        self._arrays = self._numbers, self._wholes, self._truths
        nothing = np.zeros(M)
        before = checked_cache("cached_before", nothing if cached_before is None else cached_before, M)
        self._fill(instance, int(slot), before)
        self._truths[0, :M] = checked_cache("cache", nothing if cache is None else cache, M)
        self._one: Loops | None = None
        self._all: Loops | None = None
        self._update()

    def _fill(self, instance: Instance, t: int, before: Array) -> None:
        search, M = prepared(instance), self._model_count
        requested, cloud = instance.trace.requested_model[t], search.stakes.cloud[t]
        library, numbers, wholes = search.library, self._numbers[:, :M], self._wholes
        demand = np.bincount(requested, minlength=M)
        for row, values in (
            (rows.SIZE, library.size_gb), (rows.LEAST, library.least_steps), (rows.FULL, library.full_steps),
            (rows.ONSET_STEPS, library.onset_steps), (rows.ONSET, library.onset),
            (rows.UNSERVED, library.unserved), (rows.CLOUD, np.bincount(requested, cloud, minlength=M)),
            (rows.LOAD, np.where(before, 0.0, loading_losses(instance, 1)[t])),
        ):  # fmt: skip
            numbers[row] = values
        scalars = self._numbers[rows.SCALARS]
        scalars[rows.STEPS], scalars[rows.STORAGE] = search.limits[1], with_slack(instance.server.storage_gb)
        scalars[rows.ONE_USERS] = instance.server.steps
        scalars[rows.IDEAL], scalars[rows.USERS] = search.stakes.ideal_cost[t], instance.user_count
        asked, worthy = np.flatnonzero(demand), library.by_worth[demand[library.by_worth] > 0]
        wholes[rows.DEMAND, :M] = demand
        wholes[rows.ASKED, : len(asked)], wholes[rows.BY_WORTH, : len(worthy)] = asked, worthy
        wholes[rows.COUNTS, [rows.WORTHY, rows.ASKED_FOR]] = len(worthy), len(asked)

    def _update(self) -> None:
        M = self._model_count
        self._numbers[rows.SCALARS, rows.USED] = self._numbers[rows.SIZE, :M] @ self._truths[0, :M]
        self.cost = self._price(-1, -1)

    @property
    def cache(self) -> Array:
        """What is cached, bool [M]."""
        return self._truths[0, : self._model_count].copy()

    def toggled_cost(self, model: int, other: int | None = None) -> float:
        """Return the slot's cost if `model`, and `other` with it, changed sides; nothing changes."""
        M = self._model_count
        try:
            first, second = index(model), -1 if other is None else index(other)
            if 0 <= first < M and first != second < M and (other is None or second >= 0):
                return self._price(first, second)
        except TypeError:
            pass  # it is no number
        received = excerpt(model if other is None else (model, other))
        raise InputError("model", f"must be a model from 0 to {M - 1}, or two", received)

    def toggled_costs(self) -> Array:
        """Return the slot's cost if each model changed sides alone, [M]."""
        costs = np.empty(self._model_count)
        if self._all is None:
            self._choose_loops()
        (self._all or self._choose("price_toggles", 1.0))(*self._arrays, costs)
        return costs

    def toggle(self, model: int, other: int | None = None) -> float:
        """Let a model, and `other` with it, change sides; return the slot's cost then."""
        self.toggled_cost(model, other)
        for m in (model,) if other is None else (model, other):
            self._truths[0, m] ^= True
        self._update()
        return self.cost

    def _price(self, model: int, other: int) -> float:
        if self._one is None:
            self._choose_loops()
        return float((self._one or self._choose("price_toggle", 1.0))(*self._arrays, model, other))

    def _choose_loops(self) -> None:
        """Keep the loops once they are compiled; plain ones are chosen anew each time."""
        found = self._choose("price_toggle", 1.0)
        if not isinstance(found, partial):
            self._one, self._all = found, self._choose("price_toggles", 1.0)
