"""The board on 100,000 records: the terminal table, and verify's reading with statistics and site."""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mincache.board.entries import MANIFEST_FILE, RECORDS_FILE, SOLUTIONS_FILE, Manifest, write_table
from mincache.board.packs import write_pack
from mincache.generation.recipes import ListedInstance, Recipe
from mincache.generation.scenario import Scenario
from mincache.generation.streams import Uniforms
from mincache.generation.suite_writing import generate, write_content
from mincache.generation.suites import Suite
from mincache.judging.journal import line_of
from mincache.judging.records import Cell, Record, Score, TracePoint

SOLVERS, INSTANCES, SEEDS = 10, 1000, 10
LIMITS_S = {"table": 3.0, "site": 30.0}
LIMIT_BYTES = 600_000_000
# A small process between: a child's ru_maxrss begins at the size of the process that started it.
PEAK = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)
"""
PARAMETERS = {"population": 50, "generations": 100, "crossover_eta": 15.0, "repair": "threshold-priority"}
ENVIRONMENT = {
    "versions": {"mincache": "0.1.0", "python": "3.11.7", "numpy": "2.4.6", "blas": "scipy-openblas 0.3.31"},
    "commit": "c" * 40, "dirty": False, "system": "Linux 6.1.0", "cpu": "AMD EPYC 7B13", "cores": 2,
    "memory_bytes": 8 * 2**30, "reference_s": 0.0085, "libraries": {"mincache": "0.1.0", "pymoo": "0.6.2"},
    "enforced": {"wall_s": "signals to the process tree", "threads": "environment variables, cores pinned"},
    "stochastic": True, "kind": "heuristic",
}  # fmt: skip
"""As long as those of real runs."""


SITE = """
import sys
from mincache.board.verify import read_board
from mincache.site.build import build
build(sys.argv[1], sys.argv[2], checked=read_board(sys.argv[1], rescore=False))
"""
"""Solutions are not stored, so they are not scored again."""


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Suite:
    """A suite of as many small instances, each with a best known cost."""
    recipe = Recipe(library_seed=1, trace_seed=2, libraries=20, users=(2,), traces=INSTANCES // 20)
    drawn = generate(tmp_path_factory.mktemp("suite"), "large", recipe, Scenario(slots=2))
    known = [
        entry.model_copy(update={"best_known": 40.0 + 10.0 * n / INSTANCES})
        for n, entry in enumerate(drawn.content.instance)
    ]
    write_content(drawn.folder, drawn.content.model_copy(update={"instance": tuple(known)}))
    return Suite(drawn.folder)


def _records(suite: Suite, solver: int) -> list[Record]:
    """Runs of one solver, a little above the best known cost of each instance, with a trace of two points."""
    noise = Uniforms(1, "board", solver).draw(INSTANCES, SEEDS)
    return [
        _record(
            f"solver-{solver}", entry, float(entry.best_known * (1.0 + 0.03 * solver + 0.01 * noise[i, k])), k
        )
        for i, entry in enumerate(suite.content.instance)
        for k in range(SEEDS)
        if entry.best_known is not None
    ]


def _record(solver: str, entry: ListedInstance, cost: float, repetition: int) -> Record:
    cell = Cell(
        suite="large", instance=entry.name, instance_sha256=entry.sha256, solver=solver, solver_name=solver,
        solver_source="a" * 64, repetition=repetition, wall_s=60.0, parameters=PARAMETERS,
    )  # fmt: skip
    score = Score(
        feasible=True, cost=cost, hit_ratio=0.5, mean_delay_s=2.0, mean_upload_s=0.5, mean_download_s=0.5,
        mean_backhaul_s=0.5, mean_generation_s=0.5, mean_tv=60.0, low_step_hit_share=0.5,
    )  # fmt: skip
    trace = tuple(TracePoint(seconds, cost * factor, None) for seconds, factor in ((0.1, 1.2), (0.5, 1.0)))
    return Record(
        cell=cell, stop_reason="finished", claim="feasible", verdict="verified", score=score, solve_s=0.5,
        wall_s=0.6, trace=trace, started="2026-01-01T00:00:00Z", solution_sha256=f"{repetition:064x}",
        environment=ENVIRONMENT,
    )  # fmt: skip


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory, suite: Suite) -> Path:
    """A campaign's folder of 100,000 records."""
    folder = tmp_path_factory.mktemp("campaign")
    with (folder / "records.jsonl").open("wb") as journal:
        for solver in range(SOLVERS):
            journal.writelines(map(line_of, _records(suite, solver)))
    return folder


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory, suite: Suite) -> Path:
    """A board's folder of the same records, without solutions."""
    board = tmp_path_factory.mktemp("board")
    shutil.copytree(suite.folder, board / "large" / "suite")
    for solver in range(SOLVERS):
        folder = board / "large" / f"solver-{solver}"
        folder.mkdir(parents=True)
        lines = [record.model_dump_json().encode() + b"\n" for record in _records(suite, solver)]
        records, solutions = write_pack(folder / RECORDS_FILE, lines), write_pack(folder / SOLUTIONS_FILE, [])
        write_table(
            folder / MANIFEST_FILE,
            Manifest(suite="large", solver=folder.name, records=records, solutions=solutions),
        )
    return board


def _command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "mincache.cli.main", "leaderboard", *map(str, arguments)]


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_terminal_table(benchmark: Any, campaign: Path, suite: Suite) -> None:
    """The table of 100,000 records stands in the terminal in under 3 s."""
    before = _children_s()

    def table() -> None:
        subprocess.run(_command(campaign, "--suite", suite.folder), check=True, stdout=subprocess.DEVNULL)

    benchmark.pedantic(table, rounds=3)
    print(f"\n{(_children_s() - before) / 3:.2f} s of processor time")
    assert benchmark.stats["min"] < LIMITS_S["table"]


def test_site(benchmark: Any, board: Path, tmp_path: Path) -> None:
    """Reading, statistics and the site of 100,000 records take under 30 s and 600 MB."""

    def peak_bytes() -> int:
        between = [sys.executable, "-c", PEAK, sys.executable, "-c", SITE, str(board), str(tmp_path / "site")]
        return int(subprocess.run(between, check=True, stdout=subprocess.PIPE).stdout)

    peak = benchmark.pedantic(peak_bytes, rounds=1)
    print(f"\n{peak / 1e6:.0f} MB")
    assert benchmark.stats["min"] < LIMITS_S["site"]
    assert peak < LIMIT_BYTES
