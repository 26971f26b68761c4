"""What Section V-C of the paper claims, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from mincache.problem.quantity import Array

ClaimedQuantity = Literal["hit ratio", "cost"]

DDPG, HCRAS, RCARS = "DDPG", "HCRAS", "RCARS"
CLOUD_ONLY, OPTIMUM, MOST_HITS = "cloud only", "optimum", "most hits"


@dataclass(frozen=True)
class Claim:
    """DDPG is `percent` % better than a baseline with `users` users.

    Attributes:
        figure: where the paper shows it.
        quantity: what is better: the hit ratio is when higher, the cost when lower.
        users: N.
        baseline: what DDPG is compared with.
        percent: by how much it is better, as printed.
    """

    figure: str
    quantity: ClaimedQuantity
    users: int
    baseline: str
    percent: float

    @property
    def fraction(self) -> float:
        """By how much it is better, as a fraction."""
        return self.percent / 100.0


CLAIMS = (
    Claim("fig4", "hit ratio", 10, HCRAS, 15.99),
    Claim("fig4", "hit ratio", 10, RCARS, 35.93),
    Claim("fig4", "hit ratio", 18, HCRAS, 22.58),
    Claim("fig4", "hit ratio", 18, RCARS, 81.87),
    Claim("fig5", "cost", 10, HCRAS, 21.69),
    Claim("fig5", "cost", 10, RCARS, 30.19),
    Claim("fig5", "cost", 18, HCRAS, 17.33),
    Claim("fig5", "cost", 18, RCARS, 30.21),
)
"""The paper's percentages."""


@dataclass(frozen=True)
class Reading:
    """One way to read "x % better".

    Attributes:
        name: for tables.
        denominator: which of the two the difference is divided by.
    """

    name: str
    denominator: Literal["baseline", "solver"]

    def better(self, quantity: ClaimedQuantity, baseline: Array, solver: Array) -> Array:
        """Return by which fraction a solver is better than a baseline; negative where it is worse."""
        difference = baseline - solver if quantity == "cost" else solver - baseline
        return difference / (baseline if self.denominator == "baseline" else solver)


READINGS = (Reading("of the baseline", "baseline"), Reading("of the solver", "solver"))
"""The first is the one that this project means by "x % better"."""

FITTED: Mapping[str, tuple[float, float]] = {
    "steps_onset": (60.0, 60.0), "tv_worst": (110.0, 110.0), "steps_saturation": (170.0, 170.0),
    "tv_best": (28.0, 28.0), "seconds_per_step": (0.18, 0.18), "seconds_base": (5.74, 5.74),
}  # fmt: skip
"""The single values of A1 to A4, B1 and B2 that stand under (7) and (8), as intervals of a `Scenario`."""
