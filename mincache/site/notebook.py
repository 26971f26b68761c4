"""A campaign in Python: run solvers on a suite, and see the results as tables and charts."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pandas

from mincache.bench import campaign
from mincache.bench.executors import LocalExecutor
from mincache.bench.limits import Limits, usable_cores
from mincache.bench.plan import ONE_RUN, plan
from mincache.bench.supervisor import describe_all
from mincache.board.columns import Column, numbers, visible_columns
from mincache.board.entries import verified_cost
from mincache.board.render import notes
from mincache.board.runs import gather
from mincache.board.table import Table
from mincache.errors import InputError, positive_number, whole_number
from mincache.generation import suites
from mincache.generation.suites import Suite
from mincache.judging import journal
from mincache.judging.records import Record
from mincache.problem import display
from mincache.site import charts, drawing
from mincache.solving.contract import Solver
from mincache.solving.entrant import Entrant
from mincache.solving.sources import spec_of
from mincache.solving.spec import expand

if TYPE_CHECKING:
    import altair

SOURCES_FOLDER = "sources"
"""Where a campaign's folder holds the sources of solvers that came from a notebook."""
_TOLD = ("verdict", "stop_reason", "claim", "reason", "bound", "solve_s", "wall_s", "cpu_s",
         "peak_memory_bytes", "primal_integral_s", "evaluations", "solution_sha256", "started")  # fmt: skip


def run(
    suite: str | Suite, solvers: str | Solver | type[Solver] | Iterable[str | Solver | type[Solver]],
    seeds: int = 1, seconds: float = 60.0, folder: str | os.PathLike[str] | None = None,
    workers: int | None = None, progress: Callable[[Record], None] = lambda record: None,
    instances: str | Iterable[str] = (), evaluations: int | None = None,
) -> Results:  # fmt: skip
    """Run solvers on every instance of a suite, each run in a process of its own under a time limit.

    It is what `mincache run` does. A class defined in a notebook takes part with its source: that of the
    class, of the functions, classes and plain constants it uses, and imports for the rest.

    Args:
        suite: name of a standard suite, a folder, or a suite.
        solvers: one or several; each as on the command line, a solver, or its class. A text may be a grid,
            such as `genetic[population=[20,50]]`.
        seeds: repetitions of each stochastic solver.
        seconds: time limit of a run in s.
        folder: keeps records and solutions; calling again goes on there. By default nothing is kept but the
            results returned.
        workers: runs at a time; by default one a core.
        progress: called with each record as it comes.
        instances: patterns of the names of the instances to run, such as `*.n10.*`; all without any.
        evaluations: how many candidates a run may price by `Run.evaluate`; any number by default.

    Raises:
        InputError: if there is no such suite, solver or instance, or a class has no source that stands alone.
        MissingExtraError: if a library that a solver needs is not installed.

    Example:
        >>> import mincache
        >>> results = mincache.run("smoke-v1", ["lru", "cloud-only"], seconds=5)
        >>> results
        Results(on smoke-v1: 8 runs of 2 solvers, 8 verified)
        >>> [row.solver for row in results.table().rows]
        ['lru', 'cloud-only']
    """
    whole_number("seeds", seeds, 1)
    for name, number in (("evaluations", evaluations), ("workers", workers)):
        whole_number(name, 1 if number is None else number, 1)
    if positive_number("seconds", seconds) == float("inf"):
        raise InputError("seconds", "must be finite", repr(seconds))
    found = suite if isinstance(suite, Suite) else suites.suite(suite)
    patterns = [instances] if isinstance(instances, str) else list(instances)
    listed = [solvers] if isinstance(solvers, str | Solver | type) else list(solvers)
    wanted = [one for solver in listed for one in (expand(solver) if isinstance(solver, str) else [solver])]
    if not wanted:
        raise InputError("solvers", "must be at least one", "none")
    limits, cores = Limits(wall_s=seconds, evaluations=evaluations), workers or usable_cores()
    entrants: list[Entrant] = []
    with nullcontext(folder) if folder else TemporaryDirectory(prefix="mincache-") as place:
        specs = dict.fromkeys(spec_of(solver, Path(place, SOURCES_FOLDER)) for solver in wanted)
        for described in describe_all(specs, min(cores, len(specs)), limits):
            if not isinstance(described, Entrant):
                raise described
            if described.warning:
                warnings.warn(f"{described.warning}; {ONE_RUN}", stacklevel=2)
            entrants.append(described)
        tasks = plan(found, entrants, seeds, limits, instances=patterns)
        campaign.run(Path(place), tasks, LocalExecutor(cores), progress)
        keys = {task.key for task in tasks}
        kept = tuple(record for record in journal.read(Path(place)) if record.cell.key in keys)
    return Results(found, kept)


@dataclass(frozen=True, eq=False, repr=False)
class Results:
    """What became of a campaign: its suite, and the records of every run."""

    suite: Suite
    records: tuple[Record, ...]

    @cached_property
    def _ranking(self) -> Ranking:
        (runs,) = gather(self.records, suite=str(self.suite.folder))
        return Ranking(runs)

    def table(self) -> Ranking:
        """Return the leaderboard of these runs: a row a solver, sorted by gap."""
        return self._ranking

    def to_pandas(self) -> pandas.DataFrame:
        """Return a table with a row a run: what ran, its verdict, scores, gap, bound and times in s."""
        return pandas.DataFrame(list(map(self._row, self.records)))

    def _row(self, record: Record) -> dict[str, Any]:
        cell, cost = record.cell, verified_cost(record)
        reference = self._ranking.runs.references.get(cell.instance)
        ran = {name: getattr(cell, name) for name in ("suite", "instance", "solver", "repetition", "seed")}
        gap = None if cost is None or reference is None else reference.gap(cost)
        scores = {} if record.score is None else record.score.model_dump(exclude={"violations"})
        return ran | {"gap": gap} | scores | {name: getattr(record, name) for name in _TOLD}

    def plot(self, kind: str = "gap") -> altair.Chart:
        """Return a chart of the results.

        Args:
            kind: `gap` (each instance's gap), `faults`, `profile`, `anytime`, `evaluations`, `log`, `time`,
                `users` or `training`.

        Raises:
            InputError: if there is no such kind, or nothing to draw.
            MissingExtraError: if altair is not installed.
        """
        drawn = charts.chart(kind, self._ranking)
        if drawn is None:
            raise InputError("chart", "must have verified runs to draw", "none", "see to_pandas()")
        found: altair.Chart = drawing.altair().Chart.from_dict(drawn.specification)
        return found

    def __repr__(self) -> str:
        solvers = len({record.cell.solver for record in self.records})
        verified = sum(record.verdict == "verified" for record in self.records)
        count = f"{len(self.records)} runs of {solvers} solver{'' if solvers == 1 else 's'}"
        return f"Results(on {self.suite.name}: {count}, {verified} verified)"

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()


@dataclass(frozen=True, eq=False, repr=False)
class Ranking(Table):
    """A leaderboard that shows itself in a terminal and a notebook; its `rows` have numbers as attributes."""

    def to_pandas(self) -> pandas.DataFrame:
        """Return the numbers as a table with a row a solver: shares of 1, times in s."""
        return pandas.DataFrame([numbers(row) for row in self.rows])

    def _cells(self, columns: list[Column]) -> list[list[str]]:
        return [[column.text(row) for column in columns] for row in self.rows]

    def __repr__(self) -> str:
        columns = [column for column in visible_columns(self) if not column.wide]
        listed = [[column.heading for column in columns], *self._cells(columns)]
        widths = [max(map(len, cells)) for cells in zip(*listed, strict=True)]
        lines = (
            "  ".join(
                cell.rjust(width) if column.numeric else cell.ljust(width)
                for cell, width, column in zip(cells, widths, columns, strict=True)
            )
            for cells in listed
        )
        return "\n".join(line.rstrip() for line in (*lines, *notes(self)))

    def _repr_html_(self) -> str:
        columns = visible_columns(self)
        header = [column.heading for column in columns]
        told = display.html_table("", ([note] for note in notes(self)))
        return display.html_table(self.runs.name, self._cells(columns), header) + told
