"""`fixed-share`: weights over all caches, some of which is shared out anew in each slot."""

from dataclasses import dataclass

import numpy as np

from mincache import InputError, OnlinePolicy, Run, Site
from mincache.problem.quantity import Array
from mincache.solving.online import HindsightPolicy, HindsightSolver


class _Sharing(HindsightPolicy):
    def __init__(self, site: Site, share: float, rate: float) -> None:
        super().__init__(site)
        self._share, self._rate = share, rate
        self._weight = np.full(len(self.member), 1.0 / len(self.member))
        self._spread, self._slots = 0.0, 0

    def learn(self, loss: Array, requests: Array) -> None:
        self._spread, self._slots = self._spread + float(np.ptp(loss)), self._slots + 1
        if self._spread > 0.0:
            scale = self._rate * self._slots / self._spread
            weight = self._weight * np.exp(scale * (loss.min() - loss))
            self._weight = (1.0 - self._share) * weight / weight.sum() + self._share / len(weight)

    def place(self) -> Array:
        return np.asarray(self.member[self._weight.argmax()])


@dataclass(frozen=True)
class FixedShare(HindsightSolver):
    """Place the cache of the greatest weight, which costs lower and a share of all lifts.

    The weight of each cache falls exponentially with its cost in the slot. Then a share of the sum is given
    to all alike, so that another cache can lead soon after popularity has moved. Source: Herbster and
    Warmuth, doi:10.1023/A:1007424614876. Loading is not looked at.

    Attributes:
        share: of the weight, given to all alike after each slot.
        rate: how fast weights fall, in units of the mean spread of a slot's costs.
    """

    share: float = 0.003
    rate: float = 16.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.share <= 1.0:
            raise InputError("fixed-share.share", "must be from 0 to 1", str(self.share))
        if not 0.0 < self.rate <= 1e15:
            raise InputError("fixed-share.rate", "must be > 0 and at most 1e15", str(self.rate))

    def begin(self, site: Site, run: Run) -> OnlinePolicy:
        """Begin with equal weights."""
        return _Sharing(site, self.share, self.rate)
