"""What policies that are not told the popularity share: what past requests say of models and caches."""

from __future__ import annotations

import numpy as np

from mincache.errors import InputError
from mincache.exact.bandwidth import optimal_bandwidth
from mincache.exact.expected_losses import caches_that_fit, realised_losses
from mincache.exact.regrets import regrets
from mincache.problem import equations
from mincache.problem.quantity import Array
from mincache.problem.revealed import ShownSlot, Site
from mincache.solving.feasible import pack_by_priority
from mincache.solving.online import OnlinePolicy, OnlineSolver


def saved_by_hits(site: Site, slot: ShownSlot) -> Array:
    """Return what the slot's requests for each model save against the cloud if it is cached, [M].

    Every hit gets the steps that it wants.
    """
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
    """A policy that prices every cache that fits on each slot, once the slot is shown.

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
        """Learn from a slot; loading is left out of its losses.

        Args:
            loss: [S], what each cache would have lost.
            requests: [M], how many users asked for each model.
        """
        raise NotImplementedError

    def waits(self, requests: Array) -> Array:
        """Return what loading costs so many requests for each model, on the way to each cache, [S]."""
        size_gb, rules = self.site.models.size_gb, self.site.rules
        seconds = equations.loading_delay_s(np.True_, size_gb, rules.loading_s_per_gb)
        loaded = self.member & ~self.cached
        return np.asarray(loaded @ (self.site.preference_weight * seconds * requests))
