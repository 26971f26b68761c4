"""`mincache reproduce`: the paper's experiments, or one row of a leaderboard, run again."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from mincache.cli.options import COUNT, FOLDER, FilePath, folder_output, machine_output
from mincache.cli.terminal import Bars, TerminalTable, answer, show, warn

if TYPE_CHECKING:
    from mincache.judging.records import Record
    from mincache.paper.findings import Findings

ALL = "all"
ABOUT = {
    "fig3": "Draw DDPG's training reward at several learning rates.",
    "fig4": "Draw the hit ratio over the number of users, and test the paper's claims on it.",
    "fig5": "Draw the mean cost over the number of users, and test the paper's claims on it.",
    "table": "Compute every percentage in the paper, and what it depends on.",
    ALL: "Do all of these.",
}
"""What of the paper can be repeated, and a line on each."""
_LINES_A_STAGE = 10


class _PaperOrRow(click.Group):
    """The words for the paper; any other first argument is a row of a leaderboard."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] in self.commands or args[0].startswith("-"):
            return super().resolve_command(ctx, args)
        return args[0], _row_command(args[0]), args

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the words that begin as typed, and folders."""
        return [*super().shell_complete(ctx, incomplete), CompletionItem(incomplete, type="dir")]


def _row_command(argument: str) -> click.Command:
    from mincache.board.entries import find_entry
    from mincache.errors import InputError, did_you_mean, excerpt

    if not find_entry(Path(argument)).is_dir():
        rule = f"must be one of {', '.join(ABOUT)}, or a row's folder"
        raise InputError("reproduce", rule, excerpt(argument), did_you_mean(argument, ABOUT, ""))
    return reproduce_row


@click.group(cls=_PaperOrRow, subcommand_metavar="WORD|FOLDER [OPTIONS]")
def reproduce() -> None:
    """Repeat the paper's experiments, or the published row of a leaderboard in FOLDER.

    \b
    mincache reproduce fig5 --quick -o results/paper
    mincache reproduce leaderboard/paper-v1/genetic -o results/again

    Repeat a command to continue: what its output folder holds is not done again.
    """  # noqa: D301  # \b is click's mark for a block to be left as it is


def _paper_command(word: str, about: str) -> click.Command:
    options = (
        click.Option(["--full", "size"], flag_value="full", default=True,
                     help="The whole, about an hour of one core; the default."),
        click.Option(["--quick", "size"], flag_value="quick", help="A smaller run, of minutes."),
        click.Option(["--smoke", "size"], flag_value="smoke", help="The smallest; its numbers mean nothing."),
        click.Option(["--workers"], type=COUNT, help="Processes at a time.  [default: cores]"),
        click.Option(["--work"], type=FOLDER,
                     help="Folder for suites, campaigns and policies.  [default: work-SIZE in the output]"),
        click.Option(["--show"], is_flag=True, help="Run nothing; print what the output folder holds."),
        click.Option(["--page"], type=FilePath("file", dir_okay=False, exists=True),
                     help="Markdown file whose tables to refresh."),
        click.Option(["-o", "--output"], type=FOLDER, default=Path("results/paper"), show_default=True,
                     help="Folder for figures and numbers."),
    )  # fmt: skip
    return click.Command(word, params=list(options), help=about, callback=partial(_reproduce, word))


def _reproduce(
    word: str, size: str, workers: int | None, work: Path | None, show: bool, page: Path | None, output: Path
) -> None:
    from mincache.bench.cores import usable_cores
    from mincache.paper import findings, studies
    from mincache.paper.sizes import SIZES
    from mincache.paper.study_folder import StudyFolder
    from mincache.site import drawing

    names = list(studies.STUDIES) if word == ALL else [word]
    if show:
        for name in names:
            _print(findings.read(output, name))
        _refresh(page, output)
        return
    drawing.require_libraries()
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
            click.echo("interrupted; repeat the command to continue", err=True)
            sys.exit(1)


def _print(found: Findings) -> None:
    from mincache.paper.findings import COLUMNS, cells

    for name, rows in found.tables.items():
        if name in COLUMNS and rows:
            titles, *body = cells(name, rows)
            sides = "".join("r" if column.numeric else "l" for column in COLUMNS[name])
            show(TerminalTable(titles, sides, body, title=name, more="the .csv files in the output folder"))


def _refresh(page: Path | None, output: Path) -> None:
    from mincache.files.documents import write_bytes
    from mincache.paper.findings import refreshed
    from mincache.paper.studies import STUDIES

    if page is None:
        return
    write_bytes(page, refreshed(page.read_text(encoding="utf-8"), output, STUDIES).encode())
    click.echo(f"refreshed: {page}")


class _Stages(Bars):
    """A bar a stage in a terminal; elsewhere a line now and then."""

    def show(self, text: str, done: int, total: int, note: str | None = None) -> None:
        if self.live:
            super().show(text, done, total, note)
        elif done == total or done % max(1, total // _LINES_A_STAGE) == 0:
            click.echo(f"{text}: {done} of {total}", err=True)


@click.command()
@click.argument("entry", type=FOLDER)
@folder_output("Folder for the new records.")
@click.option("--instances", type=COUNT, help="Repeat the first so many instances.  [default: all]")
@click.option("--tolerance", type=click.FloatRange(min=0), default=0.001, show_default=True,
              help="Largest relative difference of the mean cost in a reproduction.")  # fmt: skip
@click.option("--by", default="", metavar="NAME",
              help="Reviewer; the entry gets their review, with these records.")  # fmt: skip
@machine_output("an object")
def reproduce_row(
    entry: Path, output: Path, instances: int | None, tolerance: float, by: str, form: str | None
) -> None:
    """Repeat the published row in FOLDER, such as leaderboard/paper-v1/genetic.

    Every run is repeated with its own limits and seeds. A learned solver uses the policies in the row's
    folder. Exit code 1 if the row is not reproduced.
    """
    from mincache.bench.campaign import Redo
    from mincache.bench.campaign import run as run_campaign
    from mincache.bench.describing import describe_one
    from mincache.bench.executors import LocalExecutor
    from mincache.board.entries import find_entry, find_suite, read_entry
    from mincache.board.rerun import reproduction, spec_of, tasks_of
    from mincache.cli.summary import Progress
    from mincache.errors import InputError
    from mincache.solving.entrant import absolute

    entry = find_entry(entry)
    published = read_entry(entry)
    suite = find_suite(published.manifest.suite, boards=[entry.resolve().parent.parent])
    if suite is None:
        rule = "must be a standard one, or be on the board"
        raise InputError("suite", rule, repr(published.manifest.suite))
    every = list(published.records())
    names = sorted({record.cell.instance for record in every})
    kept = names[:instances]
    records = [record for record in every if record.cell.instance in kept]
    entrant = describe_one(absolute(spec_of(published)))
    for what, said in (
        ("source", "source differs from the recorded one"),
        ("files", "files differ from the recorded ones"),
    ):
        known = {getattr(record.cell, f"solver_{what}") for record in records} - {""}
        if known - {getattr(entrant, what)}:
            warn(f"the solver's {said}")
    tasks = tasks_of(records, entrant, suite)
    with Progress(len(tasks), form is not None) as progress:
        again = run_campaign(output, tasks, LocalExecutor(1), Redo(), progress.show, progress.begin)
    found = reproduction(records, again)
    holds = found.holds(tolerance)
    of_all = "" if kept == names else f", on {len(kept)} of {len(names)} instances"
    told = f"{'reproduced' if holds else 'not reproduced'}: {found}{of_all}"
    document = {"reproduced": holds, "instances": len(kept), "told": told}
    written = [_review(entry, by, f"{found}{of_all}", again, output)] if by and holds else []
    lines = [f"written: {review}; `mincache leaderboard rebuild` shows it" for review in written]
    answer(form, document | {"reviews": [str(review) for review in written]}, told, *lines)
    sys.exit(not holds)


def _review(entry: Path, by: str, found: str, again: list[Record], output: Path) -> Path:
    """Write a review into the entry, unless verifying would refuse it; return its folder."""
    import shutil

    from mincache.board.entries import folder_name, read_entry
    from mincache.board.publish import solutions_in, write_reproduction
    from mincache.board.rerun import wrong_in_review
    from mincache.errors import InputError

    date = datetime.now(UTC).date().isoformat()
    name = folder_name(f"{date} {by}")
    review = write_reproduction(entry, name, by, date, found, again, solutions_in([output]))
    if wrong := list(wrong_in_review(read_entry(entry), name)):
        shutil.rmtree(review)
        raise InputError("review", "must hold before it is written", "; ".join(wrong))
    return review


for _word, _about in ABOUT.items():
    reproduce.add_command(_paper_command(_word, _about))
