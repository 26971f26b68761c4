"""What verbs of campaigns share: solvers loaded, tasks run with each record shown, and how far it all is."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from mincache.bench import campaign
from mincache.bench.executors import Executor, ExecutorError
from mincache.bench.limits import Limits, usable_cores
from mincache.bench.plan import ONE_RUN, Task
from mincache.bench.supervisor import describe_all
from mincache.cli.terminal import Bars, form, resumable, say, waiting, warn
from mincache.errors import MincacheError
from mincache.judging.journal import JournalError
from mincache.judging.records import Cell, Record
from mincache.solving import registry
from mincache.solving.entrant import Entrant, absolute
from mincache.solving.spec import expand

_MOST_FAILURES = 20


def entrants(specs: Iterable[str], limits: Limits) -> list[Entrant]:
    """Describe the solvers; one that `all` stands for and that cannot answer here is left out."""
    named = [absolute(one) for spec in specs if spec != "all" for one in expand(spec)]
    wanted = list(dict.fromkeys((registry.names() if "all" in specs else []) + named))
    found = []
    with waiting("loading solvers"):
        described = describe_all(wanted, usable_cores(), limits)
    for spec, one in zip(wanted, described, strict=True):
        if spec not in named and (lack := _lack(one)):
            say(f"left out: {lack}", err=True)
        elif isinstance(one, MincacheError):
            raise one
        else:
            found.append(one)
            if one.warning:
                warn(f"{one.warning}; {ONE_RUN}")
    return found


def _lack(one: Entrant | MincacheError) -> str:
    """Return what a solver lacks to answer here; "" if nothing."""
    if isinstance(one, MincacheError):
        return str(one)
    untrained = one.kind == "learned" and not one.files
    return (
        f"solver {one.label!r} has no policy at hand: mincache train {one.label} --help" if untrained else ""
    )


def run_tasks(
    folder: Path, tasks: Sequence[Task], executor: Executor, redo: campaign.Redo = "",
    whole: Sequence[Task] = (),
) -> list[Record]:  # fmt: skip
    """Do what is still to be done of a campaign, showing each record; as `campaign.run`."""
    try:
        with resumable(), Progress(len(tasks), quiet=bool(form())) as progress:
            return campaign.run(folder, tasks, executor, progress.add, redo, progress.begin, whole)
    except (JournalError, ExecutorError) as error:
        raise click.ClickException(f"{error}; repeat the command to continue") from None


def line(record: Record) -> str:
    """Return a record in one line."""
    score = record.score
    cost = f" cost {score.cost:.6g}" if score is not None and score.cost is not None else ""
    took = ""
    if record.solve_s is not None and record.answer_s is not None:
        start_s = record.answer_s - record.solve_s
        took = f" in {record.solve_s:.3g} s, {record.answer_s:.3g} s with {start_s:.3g} s to start"
    stop = "" if record.stop_reason == "finished" else record.stop_reason
    why = ": ".join(filter(None, (stop, record.reason)))
    return f"{_place(record.cell)} {record.verdict}{cost}{took}" + (f": {why}" if why else "")


def _place(cell: Cell) -> str:
    return f"{cell.solver} {cell.instance} #{cell.repetition}"


class Progress(Bars):
    """Shows each record as it comes: a bar in a terminal, a line elsewhere (on standard error if `quiet`)."""

    def __init__(self, total: int, quiet: bool = False) -> None:
        super().__init__()
        self._quiet, self._total, self._done, self._failed = quiet, total, 0, 0

    def begin(self, waiting: int, torn_lines: int) -> None:
        """Show how many runs are still to be done, and what of the journal was passed over."""
        if torn_lines:
            warn(skipped(torn_lines))
        self._done = self._total - waiting
        self.show("runs", self._done, self._total, "0 failed")

    def add(self, record: Record) -> None:
        """Show one more run as done."""
        self._done += 1
        self._failed += not record.passed
        if self.live:
            self.show("runs", self._done, self._total, f"{self._failed} failed")
        else:
            say(f"[{self._done}/{self._total}] {line(record)}", err=self._quiet)


def print_plan(tasks: Sequence[Task], waiting: Collection[str], workers: int) -> None:
    """Print the runs of a campaign, which of them are still to do, and the longest time they can take."""
    for task in tasks:
        say(f"{'run ' if task.key in waiting else 'done'} {_place(task.cell)}")
    limits = [task.limits for task in tasks if task.key in waiting]
    seconds = sum((one.wall_s or 0.0) + one.grace_s for one in limits) / workers
    click.echo(f"{len(waiting)} of {len(tasks)} runs to do, {len(tasks) - len(waiting)} done already")
    click.echo(f"at most {seconds:.0f} s in solvers, {workers} at a time, plus the time to start them")


def status_of(records: Sequence[Record], planned: Mapping[str, str], torn_lines: int = 0) -> dict[str, Any]:
    """Return how far a campaign is, of which the solver of each run is `planned` by the run's key."""
    done = {record.cell.key for record in records if record.final}
    return {
        "done": len(done & planned.keys()),
        "planned": len(planned),
        "outcomes": {solver: dict(counts) for solver, counts in campaign.outcomes(records).items()},
        "to_do": dict(Counter(solver for key, solver in planned.items() if key not in done)),
        "failed": [line(record) for record in records if not record.passed],
        "torn_lines": torn_lines,
    }


def outcome_lines(status: Mapping[str, Any]) -> list[str]:
    """Return how often each outcome came, a line a solver, and the runs that failed."""
    lines = [
        f"{solver}: {', '.join(f'{count} {outcome}' for outcome, count in sorted(counts.items()))}"
        for solver, counts in status["outcomes"].items()
    ]
    lines += [f"  {one}" for one in status["failed"][:_MOST_FAILURES]]
    left = len(status["failed"]) - _MOST_FAILURES
    return [*lines, f"  and {left} more that failed"] if left > 0 else lines


def unfinished(status: Mapping[str, Any]) -> bool:
    """Return whether a campaign has runs that failed or are still to be done."""
    return bool(status["failed"]) or status["done"] < status["planned"]


def skipped(torn_lines: int) -> str:
    """Return a sentence on the lines of a journal that cannot be read."""
    lines = "1 line of the journal is" if torn_lines == 1 else f"{torn_lines} lines of the journal are"
    return f"{lines} incomplete or of another version, and skipped"
