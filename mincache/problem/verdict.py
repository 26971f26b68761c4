"""What solutions score: what the evaluator says of one, of a batch, and of single slots."""

from dataclasses import dataclass, fields
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from mincache.problem import display
from mincache.problem.constraints import TOLERANCES, Violation
from mincache.problem.quantity import Array

_Score = TypeVar("_Score")  # a float, or an array with an entry for each candidate


@dataclass(frozen=True, eq=False)
class MeanScores(Generic[_Score]):
    """What a solution scores on average.

    Attributes:
        cost: mean of G over slots and users (11), lower is better; inf or nan where a delay is.
        mean_delay_s: mean of (9), in s; the sum of the next five.
        mean_upload_s, mean_download_s: its radio parts of (4) and (6).
        mean_backhaul_s: its backhaul part of (4) and (6).
        mean_loading_s: its part for models that were not cached in the slot before; 0 in the paper's problem.
        low_step_hit_share: share of the hits with at most A1 steps (not improved at all); nan without hits.
    """

    cost: _Score
    hit_ratio: _Score
    mean_delay_s: _Score
    mean_upload_s: _Score
    mean_download_s: _Score
    mean_backhaul_s: _Score
    mean_generation_s: _Score
    mean_loading_s: _Score
    mean_tv: _Score
    low_step_hit_share: _Score


@dataclass(frozen=True, eq=False, repr=False)
class BatchEvaluation(MeanScores[Array]):
    """Scores of a batch of candidates; each array has the batch's leading axes, then those named."""

    slot_cost: Array  # [T], mean of G over the users of a slot
    excess: Array  # [C, T], a row for each of the C `CONSTRAINTS`, as in `Violation`

    @property
    def broken(self) -> Array:
        """Which slots break which constraint beyond the tolerance: bool [C, T]."""
        # Not `excess > tolerance`: a nan must not pass for kept.
        return ~(self.excess <= TOLERANCES)

    @property
    def feasible(self) -> Array:
        """Which candidates are feasible."""
        return np.asarray(~self.broken.any(axis=(-2, -1)) & np.isfinite(self.cost))

    def __repr__(self) -> str:
        return f"BatchEvaluation({self.cost.size} candidates, {np.count_nonzero(self.feasible)} feasible)"


@dataclass(frozen=True, repr=False)
class Evaluation(MeanScores[float]):
    """The score of one solution; `forgiven` tells whether it passes a limit by no more than the tolerance."""

    instance: str
    slot_cost: tuple[float, ...]
    violations: tuple[Violation, ...]
    forgiven: bool

    @property
    def feasible(self) -> bool:
        """Whether every limit holds and every request arrives."""
        return not self.violations and bool(np.isfinite(self.cost))

    @property
    def _limits_kept(self) -> str:
        """`feasible`, or what is broken, such as `breaks storage, steps`."""
        broken = dict.fromkeys(violation.constraint for violation in self.violations)
        return "feasible" if self.feasible else f"breaks {', '.join(broken) or 'the range of numbers'}"

    def __repr__(self) -> str:
        return f"Evaluation(of {self.instance!r}: cost {self.cost:.6g}, {self._limits_kept})"

    def _repr_html_(self) -> str:
        scores = ((name.replace("_", " "), f"{getattr(self, name):.6g}") for name in SCORES)
        return display.html_table(f"{self.instance}: {self._limits_kept}", scores)


SCORES = tuple(f.name for f in fields(MeanScores))
"""Names of the scores that are one number."""


class SlotScores(NamedTuple):
    """What decisions score in each of S slots: means over the users, [S]."""

    cost: Array
    delay_s: Array
    upload_s: Array
    download_s: Array
    backhaul_s: Array
    generation_s: Array
    loading_s: Array
    tv: Array
    hit_ratio: Array
