"""`mincache leaderboard`: the table of a campaign, and the published board."""

from __future__ import annotations

import contextlib
import gc
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mincache.cli.completion import suite_names
from mincache.cli.options import FOLDER, json_option
from mincache.cli.terminal import Styled, TerminalTable, print_json, printable, show, tracked, waiting, warn
from mincache.errors import InputError, MincacheError, MissingExtraError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from mincache.board.table import Table

FORMATS = ("table", "markdown", "latex", "json", "csv")
BOARD, SITE = Path("leaderboard"), Path("site")
_board = click.argument("board", default=BOARD, type=click.Path(path_type=Path))
_campaigns = click.argument(
    "campaigns", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FOLDER..."
)


class _TableByDefault(click.Group):
    """A group whose verb may be left out: `leaderboard FOLDER` is `leaderboard table FOLDER`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in {*self.commands, "-h", "--help"}:
            _refuse_mistyped(args[0], self.commands)
            args = ["table", *args]
        return super().parse_args(ctx, args)


def _refuse_mistyped(word: str, verbs: Collection[str]) -> None:
    if Path(word).exists():
        return
    if word == "pairs":
        raise MincacheError("no verb 'pairs'; `mincache compare FOLDER` compares every pair")
    if advice := did_you_mean(word, verbs, ""):
        raise InputError("leaderboard", "must be given a verb or a folder", repr(word), advice)


@click.group(cls=_TableByDefault)
def leaderboard() -> None:
    """Rank solvers: `mincache leaderboard results/NAME` prints the table of a campaign."""
    # A command lives for seconds. Over 100,000 records the collector would take 3 of 8 of them.
    gc.disable()


@leaderboard.command()
@_campaigns
@click.option("--format", "form", type=click.Choice(FORMATS), default="table", show_default=True)
@click.option("--solvers", multiple=True, metavar="NAME", help="Keep this row alone; may be repeated.")
@click.option("--suite", default="", metavar="FOLDER", type=click.Path(file_okay=False),
              help="Where the suite is, if it is not a standard one.")  # fmt: skip
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

    columns = [column for column in visible_columns(table) if not column.wide]
    rows: Sequence[Sequence[Styled]] = [
        [Styled(column.cell(row), "dim" if row.apart else "") for column in columns] for row in table.rows
    ]
    titles = [column.title for column in columns]
    sides = "".join("r" if column.numeric else "l" for column in columns)
    show(TerminalTable(titles, sides, rows, title=table.standing.name, padding=0))
    for note in notes(table):
        click.echo(printable(note))


@leaderboard.command()
@_board
@click.option("--base", default="paper-v1", show_default=True, shell_complete=suite_names,
              help="The suite that the others are held against.")  # fmt: skip
@json_option("a JSON array, an object a suite")
def contrasts(board: Path, base: str, as_json: bool) -> None:
    """Show what each suite of a board tells apart: how far solvers spread, and which change places."""
    from mincache.board import contrasts as contrasting
    from mincache.board.entries import read_any
    from mincache.board.standing import standings

    with waiting("reading records"):
        found = contrasting.contrasts(standings(read_any(board, warn)), base)
    if as_json:
        print_json([asdict(one) for one in found])
    else:
        click.echo(contrasting.contrasts_markdown(found, base), nl=False)


@leaderboard.command()
@_campaigns
@click.option("-o", "--output", default=BOARD, show_default=True, type=FOLDER,
              help="The board that gets the entries.")  # fmt: skip
@click.option("--solvers", multiple=True, metavar="NAME", help="Publish this row alone; may be repeated.")
@click.option("--author", "authors", multiple=True, required=True,
              help="Who stands behind the entries; may be repeated.")  # fmt: skip
@click.option("--link", "links", multiple=True, help="Where to read more (https); may be repeated.")
@click.option("--note", default="", help="A sentence for readers.")
@click.option("--training-s", type=click.FloatRange(min=0), default=None, help="Seconds of training.")
@click.option("--training-device", default="", help="What it was trained on.")
def publish(campaigns: tuple[Path, ...], output: Path, solvers: tuple[str, ...], **about: Any) -> None:
    """Publish campaigns on a board: an entry a solver, verified as a reader would, and the page.

    An entry holds the records and solutions of a solver on a suite; one of the same solver is replaced.
    Exits with 1 if an entry does not verify; then it is nothing to hand in.
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
    _print_wrong(found)
    _rebuild(output)
    raise SystemExit(any(found.values()))


@leaderboard.command()
@_board
def rebuild(board: Path) -> None:
    """Rewrite the page and the charts of a board from its entries."""
    _rebuild(board)


@leaderboard.command()
@_board
@json_option("a JSON object: what is wrong with each part")
def verify(board: Path, as_json: bool) -> None:
    """Score every stored solution again, check every hash, and rebuild the page, byte for byte.

    Exits with 1 if anything is wrong.
    """
    from mincache.board.verify import verify as checks

    found = {}
    with waiting(f"verifying {board}") as tell:
        for name, wrong in checks(board):
            found[name] = wrong
            tell(f"verifying {board}; done: {name}")
    if as_json:
        print_json(found)
    else:
        _print_wrong(found)
    raise SystemExit(any(found.values()))


def _print_wrong(found: Mapping[str, Sequence[str]]) -> None:
    for name, wrong in found.items():
        click.echo(printable("\n      ".join([f"{'wrong' if wrong else 'ok':5} {name}", *wrong])))


@leaderboard.command()
@_board
@click.option("-o", "--output", default=SITE, show_default=True, type=click.Path(path_type=Path))
@click.option("--figures", type=click.Path(path_type=Path, file_okay=False, exists=True), default=None,
              help="A folder of SVG files to show on the first page.")  # fmt: skip
def build(board: Path, output: Path, figures: Path | None) -> None:
    """Write the board as a static site that works from disk, with no network."""
    from mincache.site.build import build as build_site

    with waiting(f"building {output}"):
        page = build_site(board, output, figures)
    click.echo(page)


@leaderboard.command()
@click.argument("site", default=SITE, type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="0 takes a free one.  [default: 0]")
def serve(site: Path, port: int) -> None:
    """Show a site on this machine alone, until interrupted."""
    from functools import partial
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    handler = partial(SimpleHTTPRequestHandler, directory=str(site))
    with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        click.echo(f"http://127.0.0.1:{server.server_address[1]}/  (Ctrl-C ends it)")
        with contextlib.suppress(KeyboardInterrupt):
            server.serve_forever()


@leaderboard.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--kind", default="gap", show_default=True, help="gap, profile, time, users, anytime, faults or training."
)
@click.option("--suite", default="", help="Which suite, if the records are of several.",
              shell_complete=suite_names)  # fmt: skip
@click.option("--solvers", multiple=True, metavar="NAME", help="Draw this row alone; may be repeated.")
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), metavar="FILE", help="A .svg or .png."
)
def chart(folder: Path, kind: str, suite: str, solvers: tuple[str, ...], output: Path) -> None:
    """Draw a chart of a campaign or a board, for a paper."""
    from mincache.board.entries import read_any
    from mincache.board.standing import standings
    from mincache.board.table import Table
    from mincache.site import charts

    with waiting("reading records"):
        records = [one for one in read_any(folder, warn) if suite in ("", one.cell.suite)]
        found = standings(records, solvers)
    if len(found) != 1:
        raise InputError("suite", "must choose one of the records' suites", f"{len(found)} of them")
    drawn = charts.chart(kind, Table(found[0]))
    if drawn is None:
        raise InputError("chart", "must have something to draw", "nothing")
    charts.write(drawn, output)
    click.echo(output)


def _rebuild(board: Path) -> None:
    from mincache.board import publish as publishing
    from mincache.site.build import write_charts

    written: list[Path] = []
    try:
        with waiting("drawing charts"):
            written = write_charts(board)
    except MissingExtraError as error:
        click.echo(f"no charts: {error}", err=True)
    publishing.write_page(board)
    for path in (*written, board / "README.md"):
        click.echo(path)
