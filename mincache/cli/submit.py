"""`mincache submit`, `mincache reproduce` and `mincache compare`: entries made, checked and compared."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mincache.cli.leaderboard import warn
from mincache.errors import InputError

if TYPE_CHECKING:
    from mincache.bench.entrant import Entrant
    from mincache.board.comparison import Comparison
    from mincache.board.standing import Standing

_FOLDER = click.Path(path_type=Path, file_okay=False)
_CHANGES_SHOWN = 5


@click.command()
@click.argument("campaign", type=_FOLDER)
@click.option(
    "--author", "authors", multiple=True, required=True, help="Who stands behind it; may be repeated."
)
@click.option("--link", "links", multiple=True, help="Where to read more (https); may be repeated.")
@click.option("--solvers", multiple=True, metavar="NAME", help="Submit this solver alone; may be repeated.")
@click.option("--note", default="", help="A sentence for readers.")
@click.option("--training-s", type=click.FloatRange(min=0), default=None, help="Seconds of training.")
@click.option("--training-device", default="", help="What it was trained on.")
@click.option("-o", "--output", default=Path("leaderboard"), show_default=True, type=_FOLDER,
              help="The board that gets the entries.")  # fmt: skip
def submit(campaign: Path, solvers: tuple[str, ...], output: Path, **about: Any) -> None:
    """Make a board's entries from the records in CAMPAIGN, and verify them as a reader would.

    Exits with 1 if an entry does not verify; then it is nothing to hand in.
    """
    from mincache.board.publish import publish, solutions_in, write_page
    from mincache.board.results import read_campaigns
    from mincache.board.verify import verify_entry

    written = publish(read_campaigns([campaign], warn), solutions_in([campaign]), output, solvers, about)
    failed = False
    for folder in written:
        wrong = verify_entry(folder)
        failed = failed or bool(wrong)
        click.echo(f"{'wrong' if wrong else 'ok':5} {folder}")
        for sentence in wrong:
            click.echo(f"      {sentence}")
    write_page(output)
    sys.exit(failed)


@click.command()
@click.argument("entry", metavar="ROW", type=_FOLDER)
@click.option("-o", "--output", required=True, type=_FOLDER, help="Where the new records go.")
@click.option("--instances", type=click.IntRange(min=1), default=None, help="Of the first so many instances.")
@click.option("--tolerance", type=click.FloatRange(min=0), default=0.001, show_default=True,
              help="Relative difference of the mean cost that is still a reproduction.")  # fmt: skip
@click.option("--by", default="", help="Who reproduces it; then the entry's manifest says so.")
def reproduce(entry: Path, output: Path, instances: int | None, tolerance: float, by: str) -> None:
    """Run one published row again, ROW being its folder, such as leaderboard/paper-v1/genetic.

    Every run is repeated under its own limits and seeds. Exits with 1 if the row is not reproduced.
    """
    from mincache.bench import journal
    from mincache.bench.campaign import Redo
    from mincache.bench.campaign import run as run_campaign
    from mincache.bench.executors import LocalExecutor
    from mincache.board.entries import read_entry, write_manifest
    from mincache.board.publish import write_page
    from mincache.board.references import find_suite
    from mincache.board.reproduction import reproduction, tasks_of

    published = read_entry(entry)
    suite = find_suite(published.manifest.suite)
    if suite is None:
        raise InputError("suite", "must be a standard one", repr(published.manifest.suite))
    kept = sorted({record.cell.instance for record in published.records})[:instances]
    records = [record for record in published.records if record.cell.instance in kept]
    entrant = _entrant(published.manifest.solver)
    if any(record.cell.solver_source != entrant.source for record in records):
        click.echo("the solver's source is another than the one recorded", err=True)
    tasks = tasks_of(records, entrant, suite)
    run_campaign(output, tasks, LocalExecutor(1), Redo(), lambda record: None)
    keys = {task.key for task in tasks}
    found = reproduction(records, [again for again in journal.read(output) if again.cell.key in keys])
    holds = found.holds(tolerance)
    click.echo(f"{'reproduced' if holds else 'not reproduced'}: {found}")
    if by and holds:
        said = f"by {by} on {datetime.now(UTC).date()}: {found}"
        write_manifest(entry, published.manifest.model_copy(update={"reproduced": said}))
        write_page(entry.parent.parent)
    sys.exit(not holds)


def _entrant(solver: str) -> Entrant:
    from mincache.bench.describing import describe_all
    from mincache.bench.entrant import Entrant

    (found,) = describe_all([solver], workers=1)
    if not isinstance(found, Entrant):
        raise found
    return found


@click.command()
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@click.option("--chart", type=click.Path(path_type=Path, dir_okay=False), default=None, metavar="FILE",
              help="Draw the costs of both, an instance a point, as .svg or .png.")  # fmt: skip
def compare(first: str, second: str, chart: Path | None) -> None:
    """Compare two campaigns, or two solvers: each of A and B is FOLDER or FOLDER:SOLVER.

    Without a solver, those that both folders hold are compared, each with itself. A folder is a campaign or
    a board.
    """
    from mincache.board import charts
    from mincache.board.comparison import compare_standings

    (one, named), (other, also_named) = _side(first), _side(second)
    comparisons = compare_standings(one, other, same_solver=not (named and also_named))
    if not comparisons:
        raise InputError("solvers", "must be the same in both, or be named", "none", "write FOLDER:SOLVER")
    for comparison in comparisons:
        _print(comparison)
    if chart is not None:
        charts.write(charts.scatter(comparisons), chart)


def _side(text: str) -> tuple[list[Standing], bool]:
    """Return the standings that `FOLDER[:SOLVER]` names, and whether it names a solver."""
    from mincache.board.entries import read_any
    from mincache.board.standing import standings

    folder, _, solver = text.partition(":")
    if Path(text).is_dir():
        folder, solver = text, ""
    return standings(read_any(Path(folder), warn), [solver] if solver else []), bool(solver)


def _print(found: Comparison) -> None:
    click.echo(f"{found.suite}: {found.first} (A) against {found.second} (B)")
    click.echo(f"  {len(found.pairs)} instances solved by both, {found.only_first} by A alone, "
               f"{found.only_second} by B alone")  # fmt: skip
    if found.mean_change is None:
        return
    click.echo(f"  A better on {found.wins}, B better on {found.losses}, equal on {found.ties}")
    click.echo(f"  B's cost against A's: {found.mean_change:+z.3%} on average; signed-rank test p = "
               f"{found.p_value:.3g}, adjusted {found.p_adjusted:.3g}")  # fmt: skip
    for pair in found.most_changed(_CHANGES_SHOWN):
        click.echo(f"    {pair.instance}: {pair.first:.4f} -> {pair.second:.4f} ({pair.change:+z.3%})")
