"""`perturbed-leader`: follow the perturbed leader, for models of unequal sizes."""

from dataclasses import dataclass

import numpy as np

from mincache import InputError, OnlinePolicy, Run, Site
from mincache.problem.quantity import Array
from mincache.solving.online import HindsightPolicy, HindsightSolver


class _Perturbed(HindsightPolicy):
    def __init__(self, site: Site, noise: float, run: Run) -> None:
        super().__init__(site)
        self._noise, self._rng = noise, run.rng
        self._loss, self._slots = np.zeros(len(self.member)), 0
        self._single = np.flatnonzero(self.member.sum(axis=1) == 1)
        self._saved, self._squares = np.zeros((2, len(self._single)))

    def learn(self, loss: Array, requests: Array) -> None:
        self._loss, self._slots = self._loss + loss, self._slots + 1
        saved = loss[0] - loss[self._single]
        self._saved, self._squares = self._saved + saved, self._squares + saved**2

    def place(self) -> Array:
        if not self._slots:
            return self.cached
        variance = self._squares / self._slots - (self._saved / self._slots) ** 2
        deviation = np.sqrt(np.maximum(variance, 0.0)).mean() if len(variance) else 0.0
        noise = self._rng.standard_normal(self.site.model_count)
        lift = self._noise * deviation * self._slots**0.5 * noise
        return np.asarray(self.member[(self._loss - self.member @ lift).argmin()])


@dataclass(frozen=True)
class PerturbedLeader(HindsightSolver):
    """Place the cache with the least sum of past costs, after each model's savings get normal noise.

    The noise grows with the root of the slots, in units of the deviation of a slot's savings by one model, so
    that the regret against the best static cache does (Bhattacharjee, Banerjee, Sinha, doi:10.1145/3379474).
    Sizes are unequal here: the cache is the best of all that fit. Loading is not looked at.

    Attributes:
        noise: its size; 0 follows the leader.
    """

    stochastic = True

    noise: float = 0.3

    def __post_init__(self) -> None:
        if not 0.0 <= self.noise <= 1e15:
            raise InputError("perturbed-leader.noise", "must be from 0 to 1e15", str(self.noise))

    def begin(self, site: Site, run: Run) -> OnlinePolicy:
        """Begin without any past."""
        return _Perturbed(site, self.noise, run)
