"""Records with hand-computed numbers, for the tests of the board."""

from __future__ import annotations

from mincache import Run, Solution
from mincache.board.contenders import contender
from mincache.board.entries import (
    MANIFEST_FILE,
    RECORDS_FILE,
    SOLUTIONS_FILE,
    Manifest,
    folder_name,
    write_table,
)
from mincache.board.packs import write_pack
from mincache.board.runs import gather
from mincache.board.table import Table
from mincache.files.documents import solution_bytes
from mincache.generation.streams import Uniforms
from mincache.generation.suites import find
from mincache.judging.journal import Journal
from mincache.judging.judge import judge
from mincache.judging.messages import ANSWER, pack
from mincache.judging.outcome import Outcome
from mincache.judging.records import Broken, Cell, RawScore, Record, Score, TracePoint
from mincache.solving.registry import make


def record(
    solver: str,
    instance: str,
    cost: float | None = None,
    repetition: int = 0,
    *,
    verdict: str | None = None,
    stop_reason: str = "finished",
    hit_ratio: float = 0.0,
    low: float | None = None,
    solve_s: float | None = 1.0,
    suite: str = "hand-made",
    source: str = "a" * 64,
    wall_s: float | None = None,
    sha256: str = "",
    bound: float | None = None,
    solution_sha256: str | None = None,
    raw: RawScore | None = None,
) -> Record:
    """Return a record: verified if it has a cost, else with the verdict given."""
    verdict = verdict or ("verified" if cost is not None else "no solution")
    cell = Cell(
        suite=suite, instance=instance, instance_sha256=sha256 or instance.rjust(64, "0"), solver=solver,
        solver_name=solver.partition("[")[0], solver_source=source, repetition=repetition, wall_s=wall_s,
    )  # fmt: skip
    score = None
    if cost is not None:
        score = Score(
            feasible=verdict != "infeasible", cost=cost, hit_ratio=hit_ratio, mean_delay_s=2.0,
            mean_upload_s=0.5, mean_download_s=0.5, mean_backhaul_s=0.5, mean_generation_s=0.5, mean_tv=3.0,
            low_step_hit_share=low,
        )  # fmt: skip
    return Record(
        cell=cell, stop_reason=stop_reason, verdict=verdict, score=score, bound=bound, solve_s=solve_s,
        wall_s=2.0, started="2026-01-01T00:00:00Z", solution_sha256=solution_sha256, raw=raw,
    )  # fmt: skip


def raw_score(cost=None, **violations):
    """Return the score of raw decisions: `bandwidth=(rate, mean excess)` and so on."""
    broken = {name: Broken(rate=rate, mean_excess=excess) for name, (rate, excess) in violations.items()}
    return RawScore(solution_sha256="b" * 64, cost=cost, violations=broken)


def tables(records, solvers=(), suite=""):
    """Return the table of each suite in the records."""
    return [Table(runs) for runs in gather(records, solvers, suite)]


def judged(suite, name, solver, solution, repetition=0, raw=None, **cell):
    """Return what the bench keeps of a run that answered an instance of `suite` with `solution`."""
    entry = suite.entries[name]
    before = None if raw is None else pack(raw)
    outcome = Outcome(
        closing=ANSWER, payload=solution_bytes(solution), raw=before, solve_s=0.5, wall_s=0.6, exit_status=0
    )
    return judge(
        Cell(
            suite=suite.name, instance=name, instance_sha256=entry.sha256, solver=solver, solver_name=solver,
            solver_source="a" * 64, repetition=repetition, **cell,
        ),
        suite.read(name), outcome, "2026-01-01T00:00:00Z", {}, entry.best_known,
    )  # fmt: skip


def entry_name(solver, authors=()):
    """Return the suite and folder of a solver of `smoke_campaign`, published by these authors."""
    suite = find("smoke-v1")
    name = next(iter(suite.entries))
    cell = judged(suite, name, solver, Solution.nothing_cached(suite.read(name))).record.cell
    who = contender(vars(cell), authors)
    return f"smoke-v1/{folder_name(who.solver, who.sha256)}"


def smoke_campaign(folder):
    """Write a campaign on smoke-v1: the cloud alone, and two repetitions that use the edge; return it."""
    suite = find("smoke-v1")
    with Journal(folder) as journal:
        for instance in suite:
            found = judged(suite, instance.name, "cloud-only", Solution.nothing_cached(instance))
            journal.append(found.record, found.documents)
            for repetition in range(2):
                run = Run.seeded(repetition)
                solution = make("random-allocation").solve(instance, run)
                raw = solution.decisions._replace(bandwidth_share=2 * solution.bandwidth_share)
                found = judged(suite, instance.name, "random-allocation", solution, repetition, raw)
                journal.append(found.record, found.documents)
    return folder


def write_entry(board, suite, name, records, **about):
    """Write an entry of these records, without solutions, into a board; return its folder."""
    folder = board / suite / name
    folder.mkdir(parents=True)
    lines = [record.model_dump_json().encode() + b"\n" for record in records]
    packs = {
        "records": write_pack(folder / RECORDS_FILE, lines),
        "solutions": write_pack(folder / SOLUTIONS_FILE, []),
    }
    cell = records[0].cell
    write_table(folder / MANIFEST_FILE, Manifest(suite=cell.suite, solver=cell.solver, **packs, **about))
    return folder


def large_board(board, solvers, seeds):
    """Write a board on paper-v1: each of so many solvers on 60 instances, so many times; return it."""
    suite = find("paper-v1")
    noise = Uniforms(1, "large board").draw(solvers, len(suite.entries), seeds)
    for n in range(solvers):
        records = [
            record(
                f"solver-{n}[population=50]", name, entry.best_known * (1 + 0.01 * n + noise[n, i, k] / 200),
                k, hit_ratio=0.5, low=0.5, solve_s=0.1 + noise[n, i, k], suite=suite.name, wall_s=60.0,
                sha256=entry.sha256, solution_sha256="b" * 64,
            )
            for i, (name, entry) in enumerate(suite.entries.items())
            for k in range(seeds)
        ]  # fmt: skip
        kind = ("exact", "heuristic", "learned")[n % 3]
        write_entry(board, suite.name, f"solver-{n}", [_traced(one) for one in records], kind=kind)
    return board


def _traced(one):
    trace = tuple(TracePoint(s, one.score.cost * factor, None) for s, factor in ((0.01, 1.1), (0.1, 1.0)))
    return one.model_copy(update={"trace": trace})
