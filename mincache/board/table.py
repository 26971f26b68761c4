"""The ranking of one suite as numbers: what every rendering shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mincache.board.protocol import Protocol


@dataclass(frozen=True)
class Row:
    """One contender. Means are over the table's common instances, counts over all that was run.

    Each instance counts once: by the mean over its verified runs.

    Attributes:
        solver: its label.
        apart: why it has no means; "" where it has.
        mean_cost: mean cost (11).
        gap: mean of (cost - reference) / reference; None without a reference of every common instance.
        gap_low: lower end of the interval of the gap that the seeds leave; None without a rank.
        gap_high: its upper end.
        rank_low: best rank within that interval, from 1; None without a rank.
        rank_high: worst rank within it.
        unranked: why there are means but no rank; "" if there is one.
        hit_ratio: mean hit ratio.
        low_step_hit_share: share of the hits with at most A1 steps, which change nothing; None without hits.
        median_solve_s: median over the verified runs of the common instances, in s.
        mean_solve_s: shifted geometric mean of the solve time in s by failure policy, over the instances that
            all ranked contenders attempted.
        feasible_share: share of the runs that ended with a feasible solution, declined ones left out.
        runs: cells attempted, declined ones left out.
        verified: runs with a verified solution.
        failures: the other runs, by kind.
        declined: cells that the solver declined (`supports`).
        seeds: number of different repetitions.
        covered: instances with a verified solution.
        raw_cost: mean cost of the answers as they were before their repair, whatever they broke; None where
            the solver does not report them.
        raw_rate: share of the slots in which those broke each constraint; see `board.raw`.
        raw_excess: mean over those slots of by how much.
    """

    solver: str
    apart: str
    mean_cost: float | None
    gap: float | None
    gap_low: float | None
    gap_high: float | None
    rank_low: int | None
    rank_high: int | None
    unranked: str
    hit_ratio: float | None
    low_step_hit_share: float | None
    median_solve_s: float | None
    mean_solve_s: Mapping[str, float]
    feasible_share: float | None
    runs: int
    verified: int
    failures: Mapping[str, int]
    declined: int
    seeds: int
    covered: int
    raw_cost: float | None
    raw_rate: Mapping[str, float]
    raw_excess: Mapping[str, float]


@dataclass(frozen=True)
class Table:
    """The ranking of one suite.

    Attributes:
        suite: its name.
        rows: sorted by gap; the ones set apart last.
        common: the instances that the means are over.
        instances: number of instances of the suite, or seen in the records if the suite is not at hand.
        protocol: what the rows are held to.
        protocol_sha256: of its file; "" if these are the defaults.
        notes: what a reader must know, a sentence each.
    """

    suite: str
    rows: tuple[Row, ...]
    common: tuple[str, ...]
    instances: int
    protocol: Protocol
    protocol_sha256: str
    notes: tuple[str, ...]
