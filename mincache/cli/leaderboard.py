"""`mincache leaderboard`: the table of a campaign, and the published board."""

from __future__ import annotations

import contextlib
import gc
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mincache.cli.completion import suite_names
from mincache.cli.options import FILE, FOLDER, json_option
from mincache.cli.terminal import Styled, TerminalTable, print_json, printable, show, tracked, waiting, warn
from mincache.errors import InputError, MincacheError, MissingExtraError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

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


_solvers = click.option(
    "--solvers", multiple=True, metavar="NAME", help="Keep this row alone; may be repeated."
)
_suite = click.option("--suite", default="", metavar="SUITE", shell_complete=suite_names,
                      help="The suite wanted; or the folder of one that is not a standard one.")  # fmt: skip


@leaderboard.command()
@_campaigns
@click.option("--format", "form", type=click.Choice(FORMATS), default="table", show_default=True)
@_solvers
@_suite
@click.option("--against", type=FOLDER, metavar="BOARD", help="Show the rows of this board beside them.")
@click.option(
    "--common", is_flag=True, help="Means over the instances that every row has attempted, not over all."
)
def table(
    campaigns: tuple[Path, ...], form: str, solvers: tuple[str, ...], suite: str, against: Path | None,
    common: bool,
) -> None:  # fmt: skip
    """Print the ranking of campaigns or boards (this verb may be left out).

    Each row shows means over all instances of the suite, sorted by the gap to the best known cost. A run
    that failed counts as caching nothing. A row is ranked when it has attempted every instance.
    """
    from mincache.board import render

    tables = read_tables(campaigns, solvers, suite, against, common)
    if form == "table":
        for one in tables:
            _show(one)
    else:
        renderings = {
            "markdown": render.markdown, "latex": render.latex, "json": render.as_json, "csv": render.as_csv,
        }  # fmt: skip
        click.echo(renderings[form](tables), nl=False)


def read_tables(
    folders: Sequence[Path], solvers: Sequence[str] = (), suite: str = "", against: Path | None = None,
    common: bool = False, tell: Callable[[str], object] | None = None,
) -> list[Table]:  # fmt: skip
    """Return the rankings of campaigns and boards together, a suite each.

    Args:
        folders: of campaigns and boards; a board's records are checked, its solutions are not scored again.
        solvers: rows to keep; all if empty.
        suite: name of the only suite to keep, or folder of one that is not a standard one.
        against: a board whose rows stand beside them, on the same suites.
        common: whether to keep the instances alone that every row has attempted.
        tell: told of what is left out; without it the tables have that as remarks.

    Raises:
        InputError: if there is nothing to show.
    """
    from mincache.board.entries import is_campaign, read_campaigns
    from mincache.board.gathering import Gatherer
    from mincache.board.table import Table
    from mincache.board.verify import gather_board

    said: list[str] = []
    gatherer, boards = Gatherer(), [f for f in folders if not is_campaign(f)]
    folder = suite if Path(suite).is_dir() and suite else ""
    with waiting("reading records"):
        for record in (
            read_campaigns([f for f in folders if f not in boards], said.append)
            if len(boards) < len(folders)
            else ()
        ):
            gatherer.add(record)
        for board in boards:
            said += gather_board(board, gatherer, rescore=False).remarks
        suites = gatherer.suites()
        if against is not None:
            said += gather_board(against, gatherer, rescore=False).remarks
        found = [
            runs
            for runs in gatherer.runs(folder, [*boards, *([against] if against else [])])
            if runs.name in suites
        ]
        if suite and not folder:
            found = [runs for runs in found if runs.name == suite]
            if not found:
                raise InputError("suite", f"must be one of {', '.join(suites)}", repr(suite))
        found = [runs.only(solvers) for runs in found]
    if tell is not None:
        for sentence in said:
            tell(sentence)
        said = []
    return [
        Table(runs.attempted_by_all() if common else runs, tuple(said), filtered=common) for runs in found
    ]


def _show(table: Table) -> None:
    from mincache.board.columns import visible_columns
    from mincache.board.notes import notes

    columns = [column for column in visible_columns(table) if not column.wide]
    rows: Sequence[Sequence[Styled]] = [
        [Styled(column.text(row), "dim" if row.unranked else "") for column in columns] for row in table.rows
    ]
    titles = [column.title for column in columns]
    sides = "".join("r" if column.numeric else "l" for column in columns)
    show(TerminalTable(titles, sides, rows, title=table.runs.name, padding=0))
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

    found = contrasting.contrasts(read_tables([board], tell=warn), base)
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
@click.option(
    "--source", multiple=True, type=FILE, help="File of a solver that no package has; may be repeated."
)
@click.option("--suite", default="", metavar="FOLDER", type=click.Path(file_okay=False),
              help="Where the suite is, if it is not a standard one; the board gets a copy.")  # fmt: skip
@click.option("--replace", is_flag=True, help="Replace what the same authors published of the same solver.")
def publish(
    campaigns: tuple[Path, ...], output: Path, solvers: tuple[str, ...], source: tuple[Path, ...], suite: str,
    replace: bool, **about: Any,
) -> None:  # fmt: skip
    """Publish campaigns on a board: an entry a solver, verified as a reader would, and the page.

    An entry holds the records and solutions of a solver on a suite. Nothing is overwritten without --replace.
    Exits with 1 if an entry does not verify; then it is nothing to hand in.
    """
    from mincache.board import publish as publishing
    from mincache.board.entries import read_campaigns
    from mincache.board.verify import verify_entry

    stored = publishing.solutions_in(campaigns)
    with waiting("reading records"):
        written = publishing.publish(
            read_campaigns(campaigns, warn),
            stored,
            output,
            solvers,
            about,
            replace=replace,
            source=source,
            suite=suite,
        )
    found = {
        str(folder): verify_entry(folder)[1] for folder in tracked(written, "verifying", total=len(written))
    }
    _print_wrong(found)
    wrong = _rebuild(output, rescore=False)
    raise SystemExit(any(found.values()) or wrong)


@leaderboard.command()
@_board
def rebuild(board: Path) -> None:
    """Verify a board, and rewrite its page and pictures from the entries that hold.

    Exits with 1 if an entry is left out.
    """
    raise SystemExit(_rebuild(board))


@leaderboard.command()
@_board
@json_option("a JSON object: what is wrong with each part")
def verify(board: Path, as_json: bool) -> None:
    """Score every stored solution again, check every hash, and rebuild the page, byte for byte.

    Exits with 1 if anything is wrong.
    """
    from mincache.board.verify import verify as checks
    from mincache.site.build import picture

    with waiting(f"verifying {board}") as tell:
        try:
            found = checks(board, picture, lambda name: tell(f"verifying {board}; done: {name}"))
        except MissingExtraError as error:
            click.echo(f"pictures are not looked at: {error}", err=True)
            found = checks(board)
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
    """Verify a board, and write it as a static site that works from disk, with no network.

    Exits with 1 if an entry is left out, since it does not verify.
    """
    from mincache.board.verify import read_board
    from mincache.site.build import build as build_site

    with waiting(f"building {output}") as tell:
        checked = read_board(board, tell=lambda name: tell(f"building {output}; verified: {name}"))
        page = build_site(board, output, figures, checked)
    _warn(checked.remarks)
    click.echo(page)
    raise SystemExit(bool(checked.remarks))


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
    from mincache.site import charts

    found = read_tables([folder], solvers, suite, tell=warn)
    if len(found) != 1:
        raise InputError("suite", "must choose one of the records' suites", f"{len(found)} of them")
    drawn = charts.chart(kind, found[0])
    if drawn is None:
        raise InputError("chart", "must have something to draw", "nothing")
    charts.write(drawn, output)
    click.echo(output)


def _rebuild(board: Path, rescore: bool = True) -> bool:
    """Rewrite page and pictures, and return whether an entry was left out."""
    from mincache.board import readme
    from mincache.board.verify import read_board
    from mincache.files.documents import write_bytes
    from mincache.site.build import write_pictures

    written: list[Path] = []
    with waiting("verifying, drawing charts"):
        checked = read_board(board, rescore)
        tables = checked.tables()
        try:
            written = write_pictures(board, tables)
        except MissingExtraError as error:
            click.echo(f"no charts: {error}", err=True)
    write_bytes(board / readme.PAGE_FILE, readme.page(tables, board).encode())
    for path in (*written, board / readme.PAGE_FILE):
        click.echo(path)
    _warn(checked.remarks)
    return bool(checked.remarks)


def _warn(remarks: Sequence[str]) -> None:
    for sentence in remarks:
        warn(sentence)
