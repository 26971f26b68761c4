"""`mincache leaderboard`: the table of a campaign, and the published board."""

from __future__ import annotations

import contextlib
import gc
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mincache.cli.completing import suite_names
from mincache.cli.progress import waiting
from mincache.cli.warning import warn
from mincache.errors import InputError, MissingExtraError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection

    from rich.console import Console

    from mincache.board.standing import Standing
    from mincache.board.table import Table

FORMATS = ("table", "markdown", "latex", "json", "csv")
BOARD, SITE = Path("leaderboard"), Path("site")
_PIPED_WIDTH = 200
"""Into a file or a pipe a table is as wide as it needs to be."""


class _TableByDefault(click.Group):
    """A group whose verb may be left out: `leaderboard FOLDER` is `leaderboard table FOLDER`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in {*self.commands, "-h", "--help"}:
            _refuse_mistyped(args[0], self.commands)
            args = ["table", *args]
        return super().parse_args(ctx, args)


def _refuse_mistyped(word: str, verbs: Collection[str]) -> None:
    advice = did_you_mean(word, verbs, "")
    if advice and not Path(word).exists():
        raise InputError("leaderboard", "must be given a verb or a folder", repr(word), advice)


@click.group(cls=_TableByDefault)
def leaderboard() -> None:
    """Rank solvers: `mincache leaderboard results/NAME` prints the table of a campaign."""
    # A command lives for seconds; the collector would walk over 100,000 records again and again.
    gc.disable()


@leaderboard.command()
@click.argument("campaigns", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FOLDER...")
@click.option("--format", "form", type=click.Choice(FORMATS), default="table", show_default=True)
@click.option("--solvers", multiple=True, metavar="NAME", help="Keep this row alone; may be repeated.")
@click.option("--suite", default="", metavar="FOLDER", type=click.Path(file_okay=False),
              help="Where the suite is, if it is not a standard one.")  # fmt: skip
def table(campaigns: tuple[Path, ...], form: str, solvers: tuple[str, ...], suite: str) -> None:
    """Print the ranking of the records in one campaign or more (this verb may be left out).

    Each row shows means over the instances that all ranked solvers have solved, sorted by the gap to the
    best known cost.
    """
    from mincache.board import ranking
    from mincache.board.results import read_campaigns
    from mincache.board.standing import standings

    damage: list[str] = []
    with waiting("reading records"):
        records = read_campaigns(campaigns, damage.append)
        tables = [ranking.table(one) for one in standings(records, solvers, suite)]
    _show([replace(one, notes=(*one.notes, *damage)) for one in tables], form)


@leaderboard.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--suite", default="", metavar="FOLDER", type=click.Path(file_okay=False),
              help="Where the suite is, if it is not a standard one.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array, an object a suite.")
def pairs(folder: Path, suite: str, as_json: bool) -> None:
    """Compare every pair of solvers of a campaign or a board, and show what each adds to the virtual best."""
    from mincache.board import pairs as pairing
    from mincache.board import ranking
    from mincache.board.entries import read_any
    from mincache.board.standing import standings

    with waiting("reading records"):
        found = standings(read_any(folder, warn), suite=suite)
    if as_json:
        _echo_pairs(found)
        return
    for standing in found:
        shown = ranking.table(standing)
        click.echo(f"{standing.name}, {len(shown.common)} common instances")
        for one in pairing.pairs(standing, shown):
            click.echo(
                f"  {one.first} against {one.second}: better on {one.wins}, worse on {one.losses}, equal on "
                f"{one.ties}; adjusted p = {one.p_adjusted:.2g}"
            )
        for share in pairing.shares(standing, shown):
            click.echo(
                f"  {share.solver}: best alone on {share.best_alone}; without it the virtual best would cost "
                f"{share.contribution:.4f} more"
            )


def _echo_pairs(found: list[Standing]) -> None:
    from mincache.board import pairs as pairing
    from mincache.board import ranking
    from mincache.cli.compare import as_document

    suites = []
    for standing in found:
        shown = ranking.table(standing)
        pairs = [as_document(one) for one in pairing.pairs(standing, shown)]
        shares = [asdict(one) for one in pairing.shares(standing, shown)]
        suites.append({"suite": standing.name, "pairs": pairs, "virtual_best": shares})
    click.echo(json.dumps(suites, indent=2))


@leaderboard.command()
@click.argument("board", default=BOARD, type=click.Path(path_type=Path))
@click.option("--base", default="paper-v1", show_default=True, shell_complete=suite_names,
              help="The suite that the others are held against.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array, an object a suite.")
def contrasts(board: Path, base: str, as_json: bool) -> None:
    """Show what each suite of a board tells apart: how far solvers spread, and which change places."""
    from mincache.board import contrasts as contrasting
    from mincache.board.entries import read_any
    from mincache.board.standing import standings

    with waiting("reading records"):
        found = contrasting.contrasts(standings(read_any(board, warn)), base)
    if as_json:
        click.echo(json.dumps([asdict(one) for one in found], indent=2))
    else:
        click.echo(contrasting.contrasts_markdown(found, base), nl=False)


@leaderboard.command()
@click.argument("campaigns", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FOLDER...")
@click.option("-o", "--output", default=BOARD, show_default=True, type=click.Path(path_type=Path))
@click.option("--solvers", multiple=True, metavar="NAME", help="Publish this row alone; may be repeated.")
@click.option("--author", "authors", multiple=True, help="Who stands behind the entry; may be repeated.")
@click.option("--link", "links", multiple=True, help="Where to read more (https); may be repeated.")
@click.option("--note", default="", help="A sentence for readers.")
def publish(campaigns: tuple[Path, ...], output: Path, solvers: tuple[str, ...], **about: Any) -> None:
    """Write campaigns into a board: an entry a solver, with its records and solutions, and the page."""
    from mincache.board import publish as publishing
    from mincache.board.results import read_campaigns

    stored = publishing.solutions_in(campaigns)
    with waiting("reading records"):
        folders = publishing.publish(read_campaigns(campaigns, warn), stored, output, solvers, about)
    for folder in folders:
        click.echo(folder)
    _rebuild(output)


@leaderboard.command()
@click.argument("board", default=BOARD, type=click.Path(path_type=Path))
def rebuild(board: Path) -> None:
    """Rewrite the page and the charts of a board from its entries."""
    _rebuild(board)


@leaderboard.command()
@click.argument("board", default=BOARD, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object: what is wrong with each part.")
def verify(board: Path, as_json: bool) -> None:
    """Score every stored solution again, check every hash, and rebuild the page, byte for byte.

    Exits with 1 if anything is wrong.
    """
    from mincache.board.verify import verify as checks

    found = {}
    with waiting(f"verifying {board}") as status:
        for name, wrong in checks(board):
            found[name] = wrong
            status.update(f"verifying {board}; done: {name}")
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        for name, wrong in found.items():
            click.echo("\n      ".join([f"{'wrong' if wrong else 'ok':5} {name}", *wrong]))
    raise SystemExit(any(found.values()))


@leaderboard.command()
@click.argument("board", default=BOARD, type=click.Path(path_type=Path))
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
    from mincache.board import ranking
    from mincache.board.entries import read_any
    from mincache.board.standing import standings
    from mincache.site import charts

    with waiting("reading records"):
        records = [one for one in read_any(folder, warn) if suite in ("", one.cell.suite)]
        found = standings(records, solvers)
    if len(found) != 1:
        raise InputError("suite", "must choose one of the records' suites", f"{len(found)} of them")
    drawn = charts.chart(kind, found[0], ranking.table(found[0]))
    if drawn is None:
        raise InputError("chart", "must have something to draw", "nothing")
    charts.write(drawn, output)
    click.echo(output)


def _rebuild(board: Path) -> None:
    from mincache.board import publish as publishing
    from mincache.site import pictures

    try:
        with waiting("drawing charts"):
            written = pictures.write_charts(board)
    except MissingExtraError as error:
        click.echo(f"no charts: {error}", err=True)
        written = []
    publishing.write_page(board)
    for path in (*written, board / "README.md"):
        click.echo(path)


def _show(tables: list[Table], form: str) -> None:
    from mincache.board import render

    if form == "table":
        console = _console()
        for one in tables:
            console.print(render.terminal(one))
            console.print("\n".join(one.notes), markup=False, highlight=False, soft_wrap=True)
        return
    renderings = {
        "markdown": render.markdown, "latex": render.latex, "json": render.as_json, "csv": render.as_csv,
    }  # fmt: skip
    click.echo(renderings[form](tables), nl=False)


def _console() -> Console:
    from rich.console import Console

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _PIPED_WIDTH
    return console
