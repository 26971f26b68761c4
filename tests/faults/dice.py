# ruff: noqa: D102  # what `solve` does stands in the class docstring
"""A healthy solver that takes its time: what a campaign under attack is made of."""

import time
from dataclasses import dataclass

from mincache import Decisions, Instance, Run, Solution, Solver


@dataclass(frozen=True)
class Dice(Solver):
    """Share the uplink at random."""

    stochastic = True
    delay_s: float = 0.03

    def solve(self, instance: Instance, run: Run) -> Solution:
        time.sleep(self.delay_s)
        plain = Solution.nothing_cached(instance)
        shares = (0.5 + run.rng.random(plain.bandwidth_share.shape)) / (2 * instance.user_count)
        return Solution.of(instance, Decisions(plain.cache, shares, plain.step_share))
