"""From a standing to its table: a row a contender, means over common instances alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from statistics import fmean, median

from mincache.bench.records import Record
from mincache.board import repairs
from mincache.board.contenders import Contender
from mincache.board.notes import notes
from mincache.board.ranks import GAP_DIGITS, TOO_FEW_SEEDS, Rank, ranks
from mincache.board.references import verified_cost
from mincache.board.results import Runs, repetition
from mincache.board.standing import Standing
from mincache.board.table import Row, Table
from mincache.board.times import mean_solve_s


def table(standing: Standing) -> Table:
    """Return the table of a standing, its rows sorted by gap."""
    held, times = ranks(standing), mean_solve_s(standing)
    found = (_row(standing, who, held.get(who), times.get(who, {})) for who in standing.results)
    rows = tuple(sorted(found, key=_place))
    return Table(
        suite=standing.name,
        rows=rows,
        common=standing.common,
        instances=len(standing.instances),
        protocol=standing.protocol,
        protocol_sha256=standing.protocol_sha256,
        notes=notes(standing, rows),
    )


def failure(record: Record) -> str:
    """Return the kind of failure of a run that is neither verified nor declined.

    It is what is wrong with the answer; without an answer, why the run ended.
    """
    ended_by_itself = record.stop_reason in ("finished", "soft limit")
    return record.verdict if ended_by_itself or record.verdict != "no solution" else record.stop_reason


def _row(standing: Standing, who: Contender, rank: Rank | None, times: Mapping[str, float]) -> Row:
    runs = standing.results[who]
    apart = standing.apart.get(who, "")
    common = () if apart else standing.common
    good = {name: standing.verified[who][name] for name in common}
    every = [record for records in runs.values() for record in records]
    attempted = [record for record in every if record.verdict != "skipped"]
    verified = sum(map(len, standing.verified[who].values()))
    solve_s = [r.solve_s for records in good.values() for r in records if r.solve_s is not None]
    hit_ratio, before = _mean_over(good, _hit_ratio), repairs.means(good)
    return Row(
        solver=standing.labels[who],
        apart=apart,
        mean_cost=_mean(standing.costs[who][name] for name in common),
        gap=_mean(standing.gaps(who, common) or ()),
        gap_low=rank.gap[0] if rank else None,
        gap_high=rank.gap[1] if rank else None,
        rank_low=rank.ranks[0] if rank else None,
        rank_high=rank.ranks[1] if rank else None,
        unranked="" if rank or apart else TOO_FEW_SEEDS,
        hit_ratio=hit_ratio,
        low_step_hit_share=_ratio(_mean_over(good, _low_step_hits), hit_ratio),
        median_solve_s=median(solve_s) if solve_s else None,
        mean_solve_s=dict(times),
        feasible_share=_mean(float(r.score is not None and r.score.feasible) for r in attempted),
        runs=len(attempted),
        verified=verified,
        failures=_failures(attempted) if verified < len(attempted) else {},
        declined=len(every) - len(attempted),
        seeds=len(set(map(repetition, every))),
        covered=len(standing.costs[who]),
        raw_cost=before.cost,
        raw_rate=before.rate,
        raw_excess=before.excess,
    )


def _failures(records: Iterable[Record]) -> dict[str, int]:
    kinds = Counter(failure(record) for record in records if verified_cost(record) is None)
    return dict(sorted(kinds.items()))


def _place(row: Row) -> tuple[bool, bool, float, float, str]:
    missing = float("inf")
    gap = missing if row.gap is None else round(row.gap, GAP_DIGITS)
    cost = missing if row.gap is not None or row.mean_cost is None else row.mean_cost
    return bool(row.apart), row.gap is None, gap, cost, row.solver


def _mean_over(runs: Runs, value: Callable[[Record], float]) -> float | None:
    """Mean over instances of the mean over an instance's runs."""
    return _mean(fmean([value(record) for record in records]) for records in runs.values())


def _mean(values: Iterable[float]) -> float | None:
    listed = list(values)
    return fmean(listed) if listed else None


def _ratio(part: float | None, whole: float | None) -> float | None:
    return None if part is None or not whole else part / whole


def _hit_ratio(record: Record) -> float:
    return 0.0 if record.score is None else record.score.hit_ratio


def _low_step_hits(record: Record) -> float:
    """Hits at or below A1 steps, as a share of all requests."""
    score = record.score
    if score is None or score.low_step_hit_share is None:
        return 0.0
    return score.low_step_hit_share * score.hit_ratio
