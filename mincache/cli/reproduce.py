"""`mincache reproduce`: the paper's experiments, or one row of a leaderboard, run again."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

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
    from mincache.cli.submit import reproduce as row
    from mincache.errors import InputError, did_you_mean, excerpt

    if not Path(argument).is_dir():
        rule = f"must be one of {', '.join(ABOUT)}, or a row's folder"
        raise InputError("reproduce", rule, excerpt(argument), did_you_mean(argument, ABOUT, ""))
    return row


@click.group(cls=_PaperOrRow, subcommand_metavar="WORD|ROW [OPTIONS]")
def reproduce() -> None:
    """Run the paper's experiments again, or one published row.

    \b
    mincache reproduce fig5 --quick -o results/paper
    mincache reproduce leaderboard/paper-v1/genetic -o results/again

    What was done once in a folder is found there the next time: repeating a command goes on.
    """  # noqa: D301  # \b is click's mark for a block to be left as it is


def _paper_command(word: str, about: str) -> click.Command:
    folder = click.Path(path_type=Path, file_okay=False)
    options = (
        click.Option(["--full", "size"], flag_value="full", default=True,
                     help="Everything, about an hour of one core; the default."),
        click.Option(["--quick", "size"], flag_value="quick", help="A smaller run, of minutes."),
        click.Option(["--smoke", "size"], flag_value="smoke", help="The smallest; its numbers mean nothing."),
        click.Option(["--workers"], type=click.IntRange(min=1),
                     help="Processes at a time.  [default: cores]"),
        click.Option(["--work"], type=folder, metavar="FOLDER",
                     help="Where suites, campaigns and policies are.  [default: work-SIZE in the output]"),
        click.Option(["--show"], is_flag=True, help="Run nothing; print what the output folder holds."),
        click.Option(["--page"], type=click.Path(path_type=Path, dir_okay=False, exists=True),
                     metavar="FILE", help="A Markdown file whose tables are to be refreshed."),
        click.Option(["-o", "--output"], type=folder, default=Path("results/paper"), show_default=True,
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
    with _Bars() as bars:
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
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from mincache.paper.findings import COLUMNS, cells

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 200
    for name, rows in found.tables.items():
        if name not in COLUMNS or not rows:
            continue
        titles, *body = cells(name, rows)
        excerpt = Table(title=name, box=SIMPLE_HEAD, title_justify="left")
        for title, column in zip(titles, COLUMNS[name], strict=True):
            excerpt.add_column(Text(title), justify="right" if column.numeric else "left")
        for row in body:
            excerpt.add_row(*map(Text, row))
        console.print(excerpt)


def _refresh(page: Path | None, output: Path) -> None:
    from mincache.files.documents import write_bytes
    from mincache.paper.findings import refreshed
    from mincache.paper.studies import STUDIES

    if page is None:
        return
    write_bytes(page, refreshed(page.read_text(encoding="utf-8"), output, STUDIES).encode())
    click.echo(f"refreshed: {page}")


class _Bars:
    """A bar for what is being done, in a terminal; elsewhere a line now and then."""

    def __init__(self) -> None:
        import rich.progress
        from rich.console import Console

        console = Console(stderr=True)
        self._live = console.is_terminal
        columns = (*rich.progress.Progress.get_default_columns(), rich.progress.MofNCompleteColumn())
        self._progress = rich.progress.Progress(*columns, console=console, disable=not self._live)
        self._tasks: dict[str, Any] = {}

    def show(self, stage: str, done: int, total: int) -> None:
        """Show how far a stage is."""
        if self._live:
            if stage not in self._tasks:
                self._tasks[stage] = self._progress.add_task(stage, total=total)
            self._progress.update(self._tasks[stage], completed=done, total=total)
        elif done == total or done % max(1, total // _LINES_A_STAGE) == 0:
            click.echo(f"{stage}: {done} of {total}", err=True)

    def __enter__(self) -> _Bars:
        self._progress.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._progress.stop()


for _word, _about in ABOUT.items():
    reproduce.add_command(_paper_command(_word, _about))
