"""Online solvers: policies that decide slot by slot, and the loop that shows them no more than their level.

At the level `past` a policy places its cache (for its slot, or its frame) before the slot is shown. At the
level `slot` it sees the slot first; later slots stay hidden. Policies that are not told the popularity share
what past requests say of models and caches.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import closing
from typing import ClassVar

import numpy as np

from mincache.errors import InputError, of_kind
from mincache.exact.bandwidth import optimal_bandwidth
from mincache.exact.best_service import checked_cache, serve
from mincache.exact.causal import caches_that_fit, realised_losses
from mincache.exact.regrets import regrets
from mincache.problem import equations
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.problem.revealed import Shares, ShownSlot, Site, slot_of
from mincache.problem.solution import Solution
from mincache.solving.contract import Run, Solver
from mincache.solving.feasible import pack_by_priority

Show = Callable[[Array | None], ShownSlot]
"""Commits the cache last placed, bool [M] (None before the first), and returns the next slot."""


class OnlinePolicy(ABC):
    """What an online solver does at one `site`; `cached`, bool [M], is the cache last placed."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.cached: Array = np.zeros(site.model_count, bool)

    @abstractmethod
    def place(self) -> Array:
        """Return the next cache, [M] of 0 and 1; called once a slot, or once a frame of slots."""

    def observe(self, slot: ShownSlot) -> None:  # noqa: B027  # a policy may learn nothing
        """Learn from a slot that is shown; by default nothing."""

    def serve(self, slot: ShownSlot) -> Shares:
        """Return the shares of a slot under the cache in `cached`; by default the best there are."""
        found = serve(self.site.instance(slot), self.cached[None])
        return Shares(found.bandwidth_share[0], found.step_share[0])

    def close(self) -> None:  # noqa: B027  # most policies hold nothing
        """Let go of what it holds; called once, after the last slot or after an error."""


class OnlineSolver(Solver):
    """A solver that sees no more than its level of information; derive a frozen dataclass from it.

    Class attributes:
        information: `past` or `slot`.
        told_popularity: whether it needs `site.popularity`, which few sites of the real world know.

    Example:
        >>> import mincache, dataclasses, numpy
        >>> class Again(mincache.OnlinePolicy):
        ...     "Cache the models of the slot before, smallest first."
        ...     wanted = ()
        ...     def observe(self, slot):
        ...         self.wanted = numpy.unique(slot.requested_model)
        ...     def place(self):
        ...         size, cache = self.site.models.size_gb, numpy.zeros(self.site.model_count)
        ...         for m in sorted(self.wanted, key=size.item):
        ...             cache[m] = cache @ size + size[m] <= self.site.server.storage_gb
        ...         return cache
        >>> @dataclasses.dataclass(frozen=True)
        ... class LastSlot(mincache.OnlineSolver):
        ...     def begin(self, site, run):
        ...         return Again(site)
        >>> mincache.solve(mincache.load("smoke-v1.l0.n10.t0"), LastSlot).evaluation.feasible
        True
    """

    information = "past"
    told_popularity: ClassVar[bool] = False
    rules: ClassVar[tuple[str, ...]] = ("frame_slots", "loading_s_per_gb")

    @abstractmethod
    def begin(self, site: Site, run: Run) -> OnlinePolicy:
        """Return the policy for a site, at its first slot."""

    def declines(self, site: Site) -> str | None:
        """Return None, or a sentence why this solver cannot work at `site`."""
        if (reason := super().supports(site.blank)) is not None:
            return reason
        if self.told_popularity and site.popularity is None:
            return "it needs the popularity's chain, which is known for instances of some suites alone"
        return None

    def supports(self, instance: Instance) -> str | None:
        """Return None, or a sentence why this solver cannot answer `instance`."""
        if (reason := super().supports(instance)) is not None:  # a site knows no rule of a trace
            return reason
        return self.declines(_site(instance))

    def solve(self, instance: Instance, run: Run) -> Solution:
        """Return the answer of a policy that is shown the instance slot by slot."""
        return play_on(instance, self.begin(_site(instance), run), self.information)


def _site(instance: Instance) -> Site:
    from mincache.generation import suites  # which the process of a run would load for nothing

    return Site.of(instance, suites.popularity(instance))


def play_on(instance: Instance, policy: OnlinePolicy, information: str) -> Solution:
    """Return what a policy decides that is shown an instance slot by slot; see `play`."""
    slots = (slot_of(instance, t) for t in range(instance.slot_count))
    return play(policy, information, lambda cache: next(slots), instance.name)


def play(policy: OnlinePolicy, information: str, show: Show, name: str) -> Solution:
    """Return what a policy decides in all slots of its site; anything but a cache and shares is refused."""
    of_kind("policy", policy, OnlinePolicy)  # type: ignore[type-abstract]  # nothing is made of it
    site, caches, shares = policy.site, list[Array](), list[Shares]()
    with closing(policy):
        for t in range(site.slot_count):
            if information == "slot":
                slot = show(caches[-1] if caches else None)
                policy.observe(slot)
            if t % site.rules.frame_slots == 0:
                policy.cached = checked_cache("cache", policy.place(), site.model_count)
            caches.append(policy.cached)
            if information != "slot":
                slot = show(policy.cached)
                policy.observe(slot)
            shares.append(policy.serve(slot))
    return Solution(name, np.array(caches), *(np.array(part) for part in zip(*shares, strict=True)))


def saved_by_hits(site: Site, slot: ShownSlot) -> Array:
    """Return what hits, with all the steps they want, save the slot's requests for each model, [M]."""
    instance = site.instance(slot)
    cloud = regrets(instance, optimal_bandwidth(instance)).cloud[0]
    return np.bincount(slot.requested_model, cloud, site.model_count)


def packed(site: Site, priority: Array) -> Array:
    """Return the cache [M] of the models with the highest positive priority, each if it still fits."""
    return pack_by_priority(priority, site.models.size_gb, site.server.storage_gb, priority > 0.0)


class HindsightSolver(OnlineSolver):
    """A solver whose policy is a `HindsightPolicy`: it declines sites with too many caches."""

    def declines(self, site: Site) -> str | None:
        """Return None, or a sentence why this solver cannot work at `site`."""
        if (reason := super().declines(site)) is not None:
            return reason
        try:
            caches_that_fit(site)
        except InputError as error:
            return str(error)
        return None


class HindsightPolicy(OnlinePolicy):
    """A policy that prices every cache that fits, bool [S, M], on each slot, once the slot is shown.

    Attributes:
        member: bool [S, M], the caches.
    """

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.member = caches_that_fit(site).member

    def observe(self, slot: ShownSlot) -> None:
        """Learn from what each cache would have lost."""
        loss = realised_losses(self.site.instance(slot), self.member)[0]
        self.learn(loss, slot.requests(self.site.model_count))

    def learn(self, loss: Array, requests: Array) -> None:
        """Learn from a slot: the losses [S] of the caches, less loading, and the requests [M]."""
        raise NotImplementedError

    def waits(self, requests: Array) -> Array:
        """Return what loading costs so many requests for each model, on the way to each cache, [S]."""
        size_gb, rules = self.site.models.size_gb, self.site.rules
        seconds = equations.loading_delay_s(np.True_, size_gb, rules.loading_s_per_gb)
        loaded = self.member & ~self.cached
        return np.asarray(loaded @ (self.site.preference_weight * seconds * requests))
