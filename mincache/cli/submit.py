"""`mincache submit`, and `mincache reproduce` of a row: entries made and checked."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mincache.cli.progress import Progress, tracked, waiting
from mincache.cli.warning import warn
from mincache.errors import InputError

if TYPE_CHECKING:
    from mincache.bench.entrant import Entrant

_FOLDER = click.Path(path_type=Path, file_okay=False)


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

    with waiting(f"reading {campaign}"):
        written = publish(read_campaigns([campaign], warn), solutions_in([campaign]), output, solvers, about)
    found = {folder: verify_entry(folder) for folder in tracked(written, "verifying", total=len(written))}
    for folder, wrong in found.items():
        click.echo("\n      ".join([f"{'wrong' if wrong else 'ok':5} {folder}", *wrong]))
    write_page(output)
    sys.exit(1 if any(found.values()) else 0)


@click.command()
@click.argument("entry", metavar="ROW", type=_FOLDER)
@click.option("-o", "--output", required=True, type=_FOLDER, help="Where the new records go.")
@click.option("--instances", type=click.IntRange(min=1), default=None, help="Of the first so many instances.")
@click.option("--tolerance", type=click.FloatRange(min=0), default=0.001, show_default=True,
              help="Relative difference of the mean cost that is still a reproduction.")  # fmt: skip
@click.option("--by", default="", help="Who reproduces it; then the entry's manifest says so.")
def reproduce(entry: Path, output: Path, instances: int | None, tolerance: float, by: str) -> None:
    """Run one published row again, ROW being its folder, such as leaderboard/paper-v1/genetic.

    Every run is repeated under its own limits and seeds; a learned solver answers with the policies in the
    row's folder. Exits with 1 if the row is not reproduced.
    """
    from mincache.bench import journal
    from mincache.bench.campaign import Redo, pending
    from mincache.bench.campaign import run as run_campaign
    from mincache.bench.executors import LocalExecutor
    from mincache.board.entries import read_entry, write_manifest
    from mincache.board.publish import write_page
    from mincache.board.references import find_suite
    from mincache.board.rerun import reproduction, spec_of, tasks_of

    published = read_entry(entry)
    suite = find_suite(published.manifest.suite)
    if suite is None:
        raise InputError("suite", "must be a standard one", repr(published.manifest.suite))
    every = sorted({record.cell.instance for record in published.records})
    kept = every[:instances]
    records = [record for record in published.records if record.cell.instance in kept]
    entrant = _entrant(spec_of(published))
    for what, said in (
        ("source", "source is another than the one recorded"),
        ("files", "files are others than those recorded"),
    ):
        known = {getattr(record.cell, f"solver_{what}") for record in records} - {""}
        if known - {getattr(entrant, what)}:
            click.echo(f"the solver's {said}", err=True)
    tasks = tasks_of(records, entrant, suite)
    with Progress(len(tasks), len(pending(output, tasks, Redo()))) as progress:
        run_campaign(output, tasks, LocalExecutor(1), Redo(), progress.show)
    keys = {task.key for task in tasks}
    found = reproduction(records, [again for again in journal.read(output) if again.cell.key in keys])
    holds = found.holds(tolerance)
    of_all = "" if kept == every else f", on {len(kept)} of {len(every)} instances"
    click.echo(f"{'reproduced' if holds else 'not reproduced'}: {found}{of_all}")
    if by and holds:
        said = f"by {by} on {datetime.now(UTC).date()}: {found}{of_all}"
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
