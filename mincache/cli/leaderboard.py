"""`mincache leaderboard`: the table of a campaign, and the published board."""

from __future__ import annotations

import contextlib
import gc
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mincache.cli.completion import SUITE
from mincache.cli.options import (
    FOLDER,
    PICTURE,
    FilePath,
    folder_output,
    machine_output,
    prepare,
    solver_option,
)  # fmt: skip
from mincache.cli.terminal import Styled, TerminalTable, answer, printable, show, tracked, waiting, warn
from mincache.cli.verbs import VerbGroup
from mincache.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mincache.board.table import Table

FORMATS = ("table", "markdown", "latex", "json", "csv")
BOARD, SITE = Path("leaderboard"), Path("site")
_board = click.argument("board", default=BOARD, type=FOLDER)
_campaigns = click.argument("campaigns", nargs=-1, required=True, type=FOLDER)


@click.group(cls=VerbGroup, default="table", renamed={"pairs": "mincache compare FOLDER"})
def leaderboard() -> None:
    """Rank solvers: `mincache leaderboard results/NAME` prints the table of a campaign."""
    # A command lives for seconds. Over 100,000 records the collector would take 3 of 8 of them.
    gc.disable()


@leaderboard.command()
@_campaigns
@click.option("--format", "form", type=click.Choice(FORMATS), default="table", show_default=True,
              help="Form of the table.")  # fmt: skip
@click.option("--json", "form", flag_value="json", help="Short for --format json.")
@click.option("--csv", "form", flag_value="csv", help="Short for --format csv.")
@solver_option("Show this solver alone")
@click.option("--suite", type=SUITE, default="", help="Folder of the suite, if it is not a standard one.")
def table(campaigns: tuple[Path, ...], form: str, solvers: tuple[str, ...], suite: str) -> None:
    """Print the ranking of the records in one campaign or more (this verb may be left out).

    Each row shows means over the instances that all ranked solvers have solved, sorted by the gap to the
    best known cost.
    """
    from mincache.board import render
    from mincache.board.results import read_campaigns
    from mincache.board.standing import standings
    from mincache.board.table import Table

    damage: list[str] = []
    with waiting("reading records"):
        found = standings(read_campaigns(campaigns, damage.append), solvers, suite)
        tables = [Table(standing, tuple(damage)) for standing in found]
    if form == "table":
        for one in tables:
            _show(one)
    else:
        renderings = {
            "markdown": render.markdown, "latex": render.latex, "json": render.as_json, "csv": render.as_csv,
        }  # fmt: skip
        click.echo(renderings[form](tables), nl=False)


def _show(table: Table) -> None:
    from mincache.board.columns import visible_columns
    from mincache.board.notes import notes

    columns = sorted(visible_columns(table), key=lambda column: column.wide)  # the wide ones are worth least
    rows: Sequence[Sequence[Styled]] = [
        [Styled(column.cell(row), "dim" if row.apart else "") for column in columns] for row in table.rows
    ]
    sides = "".join("r" if column.numeric else "l" for column in columns)
    titles = [column.title for column in columns]
    show(TerminalTable(titles, sides, rows, title=table.standing.name, more="--csv or --json"))
    for note in notes(table):
        click.echo(printable(note))


@leaderboard.command()
@_board
@click.option(
    "--base", type=SUITE, default="paper-v1", show_default=True, help="Suite to compare others with."
)
@machine_output("an array, an object a suite")
def contrasts(board: Path, base: str, form: str | None) -> None:
    """Show what each suite adds: how far solvers are apart on it, and which ones change places."""
    from mincache.board import contrasts as contrasting
    from mincache.board.entries import read_any
    from mincache.board.standing import standings

    with waiting("reading records"):
        found = contrasting.contrasts(standings(read_any(board, warn)), base)
    answer(form, [asdict(one) for one in found], contrasting.contrasts_markdown(found, base).rstrip("\n"))


@leaderboard.command()
@_campaigns
@folder_output("Leaderboard that gets the entries.", default=BOARD, show_default=True)
@solver_option("Publish this solver alone")
@click.option("--author", "authors", multiple=True, required=True, metavar="NAME",
              help="Author of the entries; repeatable.")  # fmt: skip
@click.option("--link", "links", multiple=True, metavar="URL", help="Where to read more (https); repeatable.")
@click.option("--note", default="", metavar="TEXT", help="A sentence for readers.")
@click.option("--training-s", type=click.FloatRange(min=0), metavar="SECONDS", help="Time of training.")
@click.option("--training-device", default="", metavar="NAME", help="Device of training.")
@machine_output("an object: what is wrong with each entry")
def publish(
    campaigns: tuple[Path, ...], output: Path, solvers: tuple[str, ...], form: str | None, **about: Any
) -> None:
    """Write campaigns to a leaderboard, one entry a solver and suite; verify them, and rewrite the page.

    An entry holds the solver's records and solutions. It replaces an older entry of the same solver. Exit
    code 1 if an entry does not verify; do not hand it in then.
    """
    from mincache.board import publish as publishing
    from mincache.board.results import read_campaigns
    from mincache.board.verify import verify_entry

    stored = publishing.solutions_in(campaigns)
    with waiting("reading records"):
        written = publishing.publish(read_campaigns(campaigns, warn), stored, output, solvers, about)
    found = {
        str(folder): verify_entry(folder) for folder in tracked(written, "verifying", total=len(written))
    }
    files = _rebuild(output)
    answer(form, found, *_verdicts(found), *files)
    raise SystemExit(any(found.values()))


@leaderboard.command()
@_board
@machine_output("an array: the files written")
def rebuild(board: Path, form: str | None) -> None:
    """Rewrite the page and the charts of a leaderboard from its entries."""
    files = _rebuild(board)
    answer(form, files, *files)


@leaderboard.command()
@_board
@machine_output("an object: what is wrong with each part")
def verify(board: Path, form: str | None) -> None:
    """Score every stored solution again, check every hash, and compare the page with its entries.

    Exit code 1 if anything is wrong.
    """
    from mincache.board.verify import verify as checks

    found = {}
    with waiting(f"verifying {board}") as tell:
        for name, wrong in checks(board):
            found[name] = wrong
            tell(f"verifying {board}; done: {name}")
    answer(form, found, *_verdicts(found))
    raise SystemExit(any(found.values()))


def _verdicts(found: Mapping[str, Sequence[str]]) -> list[str]:
    return [
        "\n      ".join([f"{'wrong' if wrong else 'ok':5} {name}", *wrong]) for name, wrong in found.items()
    ]


@leaderboard.command()
@_board
@folder_output("Folder for the site.", default=SITE, show_default=True)
@click.option("--figures", type=FilePath("folder", file_okay=False, exists=True),
              help="Folder of SVG files for the first page.")  # fmt: skip
@machine_output("an object")
def build(board: Path, output: Path, figures: Path | None, form: str | None) -> None:
    """Write a leaderboard as a static site that works from disk, without a network."""
    from mincache.site.build import build as build_site

    with waiting(f"building {output}"):
        page = build_site(board, output, figures)
    answer(form, {"page": str(page)}, str(page))


@leaderboard.command()
@click.argument("site", default=SITE, type=FilePath("folder", file_okay=False, exists=True))
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="0 takes a free port.  [default: 0]")
def serve(site: Path, port: int) -> None:
    """Show a site to this machine alone, until you press Ctrl-C."""
    from functools import partial
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    handler = partial(SimpleHTTPRequestHandler, directory=str(site))
    with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        click.echo(f"http://127.0.0.1:{server.server_address[1]}/  (Ctrl-C ends it)")
        with contextlib.suppress(KeyboardInterrupt):
            server.serve_forever()


@leaderboard.command()
@click.argument("folder", type=FOLDER)
@click.option("--kind", default="gap", show_default=True, metavar="KIND",
              help="gap, profile, time, users, anytime, faults or training.")  # fmt: skip
@click.option("--suite", type=SUITE, default="", help="Suite to draw, if the records are of several.")
@solver_option("Draw this solver alone")
@click.option("-o", "--output", required=True, type=PICTURE, help="Picture to write.")
def chart(folder: Path, kind: str, suite: str, solvers: tuple[str, ...], output: Path) -> None:
    """Draw a chart of a campaign or a leaderboard, for a paper."""
    from mincache.board.entries import read_any
    from mincache.board.standing import standings
    from mincache.board.table import Table
    from mincache.site import charts

    charts.require_libraries()
    with waiting("reading records"):
        records = [one for one in read_any(folder, warn) if suite in ("", one.cell.suite)]
        found = standings(records, solvers)
    if len(found) != 1:
        raise InputError("--suite", "must choose one of the suites in the records", f"{len(found)} of them")
    drawn = charts.chart(kind, Table(found[0]))
    if drawn is None:
        raise InputError("--kind", "must have something to draw in these records", "nothing", "try gap")
    prepare(output)
    charts.write(drawn, output)
    click.echo(output)


def _rebuild(board: Path) -> list[str]:
    """Rewrite page and charts of a board, and return the paths written."""
    from mincache.board import publish as publishing
    from mincache.site.build import write_charts

    written: list[Path] = []
    try:
        with waiting("drawing charts"):
            written = write_charts(board)
    except MissingExtraError as error:
        warn(f"no charts: {error}")
    publishing.write_page(board)
    return [str(path) for path in (*written, board / "README.md")]
