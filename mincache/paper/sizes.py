"""How much a reproduction runs: the full one, a quick one, and a smoke test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Settings = Mapping[str, str | float]
"""Parameters of a solver that differ from their defaults."""


_BUDGETS = (
    (2, 1), (5, 1), (10, 1), (20, 1), (50, 1), (100, 1), (10, 10), (20, 10), (20, 20), (50, 20), (50, 50),
    (50, 100), (100, 100), (100, 200),
)  # fmt: skip

_DECODERS = (
    "threshold-priority", "sum-to-one", "hits-alone", "softmax", "scaled-sigmoid", "serve-in-order",
    "priority-serve",
)  # fmt: skip


@dataclass(frozen=True)
class Size:
    """The size of a reproduction; the full one by default.

    Attributes:
        trainings: for each N how many DDPG policies are trained a library, each with a seed of its own.
        rates: the actor's learning rates in Fig. 3; the critic's are 10 times as large.
        draws: libraries that the ceilings and the table of dependences are measured on, a trace each.
        ddpg: what differs from DDPG's defaults in every training, for the smaller sizes.
        hcras: what differs from HCRAS' defaults wherever its budget is not what is studied.
    """

    name: str = "full"
    libraries: int = 5
    traces: int = 2
    trainings: Mapping[int, int] = field(default_factory=lambda: {10: 5, 12: 1, 14: 1, 16: 1, 18: 5})
    repetitions: int = 3
    rates: tuple[float, ...] = (1e-5, 1e-4, 1e-3, 1e-2)
    rate_seeds: int = 5
    draws: int = 100
    budgets: tuple[tuple[int, int], ...] = _BUDGETS
    budget_libraries: int = 5
    decoders: tuple[str, ...] = _DECODERS
    decoder_libraries: int = 2
    ddpg: Settings = field(default_factory=dict)
    hcras: Settings = field(default_factory=dict)
    slots: int = 50

    @property
    def users(self) -> tuple[int, ...]:
        """The numbers of users N."""
        return tuple(self.trainings)

    @property
    def ends(self) -> tuple[int, int]:
        """The least and the largest N, which the paper gives percentages for."""
        return min(self.users), max(self.users)


SIZES = {
    "full": Size(),
    "quick": Size(
        "quick", libraries=3, traces=1, trainings={10: 1, 14: 1, 18: 1}, repetitions=1, rate_seeds=2,
        draws=20, budgets=_BUDGETS[::2], budget_libraries=2, decoder_libraries=1, ddpg={"episodes": 200},
    ),
    "smoke": Size(
        "smoke", libraries=2, traces=1, trainings={10: 1, 18: 1}, repetitions=1, rates=(1e-4, 1e-2),
        rate_seeds=2, draws=2, budgets=((2, 1), (10, 5)), budget_libraries=2, decoders=("softmax",),
        decoder_libraries=0, ddpg={"episodes": 40, "warmup": 100, "batch": 32},
        hcras={"population": 10, "generations": 5}, slots=8,
    ),
}  # fmt: skip
"""The sizes by name. Small ones show that everything works; their numbers mean little."""
