"""`mincache reproduce`: the paper's experiments, or one row of a leaderboard, run again."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mincache.cli.options import FOLDER
from mincache.cli.terminal import Bars, TerminalTable, show

if TYPE_CHECKING:
    from mincache.paper.findings import Findings

ALL = "all"
ABOUT = {
    "fig3": "DDPG's training reward at several learning rates.",
    "fig4": "Hit ratio over the number of users, and what is claimed of it.",
    "fig5": "Mean cost over the number of users, and what is claimed of it.",
    "table": "Every percentage of the paper, and what they depend on.",
    ALL: "All of these.",
}
"""What of the paper can be run again, and a line on each."""
_LINES_A_STAGE = 10


class _PaperOrRow(click.Group):
    """The words for the paper; any other first argument is a row of a leaderboard."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] in self.commands or args[0].startswith("-"):
            return super().resolve_command(ctx, args)
        return args[0], _row_command(args[0]), args


def _row_command(argument: str) -> click.Command:
    from mincache.errors import InputError, did_you_mean, excerpt

    if not Path(argument).is_dir():
        rule = f"must be one of {', '.join(ABOUT)}, or a row's folder"
        raise InputError("reproduce", rule, excerpt(argument), did_you_mean(argument, ABOUT, ""))
    return reproduce_row


@click.group(cls=_PaperOrRow, subcommand_metavar="WORD|ROW [OPTIONS]")
def reproduce() -> None:
    """Run the paper's experiments again, or one published row.

    \b
    mincache reproduce fig5 --quick -o results/paper
    mincache reproduce leaderboard/paper-v1/genetic -o results/again

    What was done once in a folder is found there the next time: repeating a command goes on.
    """  # noqa: D301  # \b is click's mark for a block to be left as it is


def _paper_command(word: str, about: str) -> click.Command:
    options = (
        click.Option(["--full", "size"], flag_value="full", default=True,
                     help="Everything, about an hour of one core; the default."),
        click.Option(["--quick", "size"], flag_value="quick", help="A smaller run, of minutes."),
        click.Option(["--smoke", "size"], flag_value="smoke", help="The smallest; its numbers mean nothing."),
        click.Option(["--workers"], type=click.IntRange(min=1),
                     help="Processes at a time.  [default: cores]"),
        click.Option(["--work"], type=FOLDER, metavar="FOLDER",
                     help="Where suites, campaigns and policies are.  [default: work-SIZE in the output]"),
        click.Option(["--show"], is_flag=True, help="Run nothing; print what the output folder holds."),
        click.Option(["--page"], type=click.Path(path_type=Path, dir_okay=False, exists=True),
                     metavar="FILE", help="A Markdown file whose tables are to be refreshed."),
        click.Option(["-o", "--output"], type=FOLDER, default=Path("results/paper"), show_default=True,
                     metavar="FOLDER", help="Where figures and numbers go."),
    )  # fmt: skip
    return click.Command(word, params=list(options), help=about, callback=partial(_reproduce, word))


def _reproduce(
    word: str, size: str, workers: int | None, work: Path | None, show: bool, page: Path | None, output: Path
) -> None:
    from mincache.bench.cores import usable_cores
    from mincache.paper import findings, studies
    from mincache.paper.sizes import SIZES
    from mincache.paper.study_folder import StudyFolder

    names = list(studies.STUDIES) if word == ALL else [word]
    if show:
        for name in names:
            _print(findings.read(output, name))
        _refresh(page, output)
        return
    with _Stages() as bars:
        where = work or output / f"work-{size}"
        folder = StudyFolder(where, SIZES[size], workers or usable_cores(), bars.show)
        try:
            for name in names:
                found = studies.run(name, folder)
                files = findings.write(output, found)
                _print(found)
                click.echo(f"written: {', '.join(map(str, files))}\n")
                _refresh(page, output)
        except KeyboardInterrupt:
            click.echo("interrupted; repeat the command to go on", err=True)
            sys.exit(1)


def _print(found: Findings) -> None:
    from mincache.paper.findings import COLUMNS, cells

    for name, rows in found.tables.items():
        if name in COLUMNS and rows:
            titles, *body = cells(name, rows)
            sides = "".join("r" if column.numeric else "l" for column in COLUMNS[name])
            show(TerminalTable(titles, sides, body, title=name))


def _refresh(page: Path | None, output: Path) -> None:
    from mincache.files.documents import write_bytes
    from mincache.paper.findings import refreshed
    from mincache.paper.studies import STUDIES

    if page is None:
        return
    write_bytes(page, refreshed(page.read_text(encoding="utf-8"), output, STUDIES).encode())
    click.echo(f"refreshed: {page}")


class _Stages(Bars):
    """A bar for what is being done, in a terminal; elsewhere a line now and then."""

    def show(self, text: str, done: int, total: int, note: str | None = None) -> None:
        if self.live:
            super().show(text, done, total, note)
        elif done == total or done % max(1, total // _LINES_A_STAGE) == 0:
            click.echo(f"{text}: {done} of {total}", err=True)


@click.command()
@click.argument("entry", metavar="ROW", type=FOLDER)
@click.option("-o", "--output", required=True, type=FOLDER, help="Where the new records go.")
@click.option("--instances", type=click.IntRange(min=1), default=None, help="Of the first so many instances.")
@click.option("--tolerance", type=click.FloatRange(min=0), default=0.001, show_default=True,
              help="Relative difference of the mean cost that is still a reproduction.")  # fmt: skip
@click.option("--by", default="", help="Who reproduces it; then the entry's manifest says so.")
def reproduce_row(entry: Path, output: Path, instances: int | None, tolerance: float, by: str) -> None:
    """Run one published row again, ROW being its folder, such as leaderboard/paper-v1/genetic.

    Every run is repeated under its own limits and seeds. A learned solver answers with the policies in the
    row's folder. Exits with 1 if the row is not reproduced.
    """
    from mincache.bench.campaign import Redo
    from mincache.bench.campaign import run as run_campaign
    from mincache.bench.describing import describe_one
    from mincache.bench.entrant import absolute
    from mincache.bench.executors import LocalExecutor
    from mincache.board.entries import read_entry, write_manifest
    from mincache.board.publish import write_page
    from mincache.board.references import find_suite
    from mincache.board.rerun import reproduction, spec_of, tasks_of
    from mincache.cli.summary import Progress
    from mincache.errors import InputError

    published = read_entry(entry)
    suite = find_suite(published.manifest.suite)
    if suite is None:
        raise InputError("suite", "must be a standard one", repr(published.manifest.suite))
    every = sorted({record.cell.instance for record in published.records})
    kept = every[:instances]
    records = [record for record in published.records if record.cell.instance in kept]
    entrant = describe_one(absolute(spec_of(published)))
    for what, said in (
        ("source", "source is another than the one recorded"),
        ("files", "files are others than those recorded"),
    ):
        known = {getattr(record.cell, f"solver_{what}") for record in records} - {""}
        if known - {getattr(entrant, what)}:
            click.echo(f"the solver's {said}", err=True)
    tasks = tasks_of(records, entrant, suite)
    with Progress(len(tasks)) as progress:
        again = run_campaign(output, tasks, LocalExecutor(1), Redo(), progress.show, progress.begin)
    found = reproduction(records, again)
    holds = found.holds(tolerance)
    of_all = "" if kept == every else f", on {len(kept)} of {len(every)} instances"
    click.echo(f"{'reproduced' if holds else 'not reproduced'}: {found}{of_all}")
    if by and holds:
        said = f"by {by} on {datetime.now(UTC).date()}: {found}{of_all}"
        write_manifest(entry, published.manifest.model_copy(update={"reproduced": said}))
        write_page(entry.parent.parent)
    sys.exit(not holds)


for _word, _about in ABOUT.items():
    reproduce.add_command(_paper_command(_word, _about))
