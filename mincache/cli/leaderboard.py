"""`mincache leaderboard`: the table of a campaign, and the published board."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click

from mincache.board import aslib, columns, comparison, entries, fitting, render, rerun, runs
from mincache.board import table as board_table
from mincache.board import verify as verifying
from mincache.cli import options
from mincache.cli.completion import SUITE
from mincache.cli.terminal import Styled, TerminalTable, answer, say, show, tracked, waiting, warn
from mincache.cli.verbs import VerbGroup
from mincache.errors import InputError, MissingExtraError, one_line
from mincache.generation import suites
from mincache.judging import journal
from mincache.site import build, charts, drawing

BOARD, SITE = Path("leaderboard"), Path("site")
_board = click.argument("board", default=BOARD, type=options.FOLDER)
_campaigns = click.argument("campaigns", nargs=-1, required=True, type=options.FOLDER)
_suite = click.option("--suite", type=SUITE, default="", show_default=False,
                      help="Suite to show; or the folder of one that is not a standard one.")  # fmt: skip
_common = click.option(
    "--common", is_flag=True, help="Take means over the instances that every row has attempted, not over all."
)


@click.group(cls=VerbGroup, default="table", renamed={"pairs": "mincache compare FOLDER"})
def leaderboard() -> None:
    """Rank solvers: `mincache leaderboard results/NAME` prints the table of a campaign."""
    # A command lives for seconds. Over 100,000 records the collector would take 3 of 8 of them.
    gc.disable()


@leaderboard.command()
@_campaigns
@click.option("--format", "form", type=click.Choice(["table", "markdown", "latex", "json", "csv"]),
              default="table", help="Form of the table.")  # fmt: skip
@click.option("--json", "form", flag_value="json", help="Short for --format json.")
@click.option("--csv", "form", flag_value="csv", help="Short for --format csv.")
@options.solver_option("Show this solver alone")
@_suite
@click.option("--against", type=options.FOLDER, help="Leaderboard whose rows to show beside them.")
@_common
def table(
    campaigns: tuple[Path, ...], form: str, solvers: tuple[str, ...], suite: str, against: Path | None,
    common: bool,
) -> None:  # fmt: skip
    """Print the ranking of campaigns or boards (this verb may be left out).

    Each row shows means over all instances of the suite, sorted by the gap to the best known cost. A run
    that failed counts as caching nothing. A row is ranked when it has attempted every instance.
    """
    tables = read_tables(campaigns, solvers, suite, against, common)
    forms = {"markdown": render.markdown, "latex": render.latex, "json": render.as_json, "csv": render.as_csv}
    if form in forms:
        click.echo(forms[form](tables), nl=False)
        return
    for one in tables:
        _show(one)


def _show(table: board_table.Table) -> None:
    # The wide ones are worth least.
    shown = sorted(columns.visible_columns(table), key=lambda column: column.wide)
    rows = [
        [Styled(column.text(row), "dim" if row.unranked else "") for column in shown] for row in table.rows
    ]
    best = comparison.bests(table) if len(table.compared) > 1 else {}
    for name, label in (("single_best", "single best: {single_best}"), ("virtual_best", "virtual best")):
        if best:  # not rivals of the rows, but what choosing among them could reach
            gap, cost = columns.percent(best[f"{name}_gap"], 2), columns.cost(best[f"{name}_cost"])
            known = {"solver": label.format(**best), "gap": gap, "mean_cost": cost}
            cells = (known.get(one.names.split()[0], columns.NOTHING) for one in shown)
            rows += [[Styled(cell, "dim") for cell in cells]]
    sides = {column.title: "r" if column.numeric else "l" for column in shown}
    show(TerminalTable(sides, rows, title=table.runs.name, more="--csv or --json"))
    for note in render.notes(table):
        say(note)


def read_tables(
    folders: Sequence[Path], solvers: Sequence[str] = (), suite: str = "", against: Path | None = None,
    common: bool = False, as_notes: bool = False, gatherer: runs.Gatherer | None = None,
) -> list[board_table.Table]:  # fmt: skip
    """Return the rankings of campaigns and boards together, a suite each; no solution is scored again.

    `suite` names the only suite to keep. The rows of `against` stand beside those on the same suites. With
    `as_notes`, what is left out is said now; otherwise the tables have it as remarks.
    """
    said: list[str] = []
    gatherer = gatherer or runs.Gatherer()
    campaigns = [folder for folder in folders if (folder / journal.RECORDS_FILE).exists()]
    boards = [folder for folder in folders if folder not in campaigns]
    for neither in (folder for folder in boards if not any(folder.glob("*/*/"))):
        received = "neither" if neither.is_dir() else "no such folder"
        raise InputError(str(neither), "must be the folder of a campaign or a leaderboard", received)
    own = suites.find(suite) if suite and suites.is_suite(suite) else None
    name = suite if own is None else own.name
    with waiting("reading records"):
        if campaigns:
            for record in entries.read_campaigns(campaigns, said.append, runs.brief_parser()):
                gatherer.add(record)
        for board in boards:
            said += verifying.read_board(board, rescore=False, gatherer=gatherer).remarks
        names = gatherer.suites()
        if not names:
            raise verifying.nothing_holds(folders[0])
        if against is not None:
            said += verifying.read_board(against, rescore=False, gatherer=gatherer).remarks
            boards.append(against)
        if suite and name not in names:
            raise InputError("suite", f"must be one of {', '.join(names)}", repr(name))
        published = any(suites.is_suite(str(board / name / entries.SUITE_FOLDER)) for board in boards)
        every = gatherer.runs({} if own is None or published else {name: own}, boards)
        twins = fitting.unseen(every)
        found = [one.only(solvers) for one in every if not suite or one.name == name]
    if as_notes:
        warn(*said)
        said = []
    shown = [one.attempted_by_all() for one in found] if common else found
    return [board_table.Table(one, tuple(said), common, twins.get(one.name)) for one in shown]


@leaderboard.command()
@_board
@click.option("--base", type=SUITE, default="paper-v1", help="Suite to compare others with.")
@options.machine_output("an array, an object a suite")
def contrasts(board: Path, base: str) -> None:
    """Show what each suite adds: how far solvers are apart on it, and which ones change places."""
    found = comparison.contrasts(read_tables([board], as_notes=True), base)
    answer(found, render.contrasts_markdown(found, base).rstrip("\n"))


@leaderboard.command()
@_campaigns
@options.folder_output("Leaderboard that gets the entries.", default=BOARD)
@options.solver_option("Publish this solver alone")
@click.option("--author", "authors", multiple=True, required=True, metavar="NAME",
              help="Author of the entries; repeatable.")  # fmt: skip
@click.option("--link", "links", multiple=True, metavar="URL", help="Where to read more (https); repeatable.")
@click.option("--note", default="", show_default=False, metavar="TEXT", help="A sentence for readers.")
@click.option("--training-s", type=options.RealRange(min=0), metavar="SECONDS",
              help="Time of training.")  # fmt: skip
@click.option("--training-device", default="", show_default=False, metavar="NAME", help="Device of training.")
@click.option("--source", multiple=True, type=options.FilePath("file", dir_okay=False, exists=True),
              help="File of a solver in no package; repeatable.")  # fmt: skip
@click.option("--policies", multiple=True, type=options.FilePath("folder|file", exists=True),
              help="Policies that the runs chose among, for the entry; repeatable.")  # fmt: skip
@click.option("--suite", type=SUITE, default="", show_default=False,
              help="Folder of the suite, if not a standard one; the leaderboard gets a copy.")  # fmt: skip
@click.option(
    "--replace",
    is_flag=True,
    help="Replace what the same authors published of the same solver; reviews stay with equal records.",
)
@options.machine_output("an object: what is wrong with each entry")
def publish(
    campaigns: tuple[Path, ...], output: Path, solvers: tuple[str, ...], source: tuple[Path, ...],
    policies: tuple[Path, ...], suite: str, replace: bool, **about: Any,
) -> None:  # fmt: skip
    """Write campaigns to a leaderboard, one entry a solver and suite; verify them, and rewrite the page.

    An entry holds the solver's records and solutions. Nothing is overwritten without --replace. Exit code 1
    if an entry does not verify; do not hand it in then.
    """
    from mincache.board import publish as publishing

    stored = publishing.solutions_in(campaigns)
    with waiting("reading records"):
        written = publishing.publish(
            entries.read_campaigns(campaigns, warn), stored, output, solvers, about,
            replace=replace, source=source, policies=policies, suite=suite, warn=warn,
        )  # fmt: skip
    for folder in written:
        if named := rerun.policies_not_stored(entries.read_entry(folder)):
            fits = Path(named.partition("@")[0]).suffix in ("", ".safetensors")
            advice = (
                "puts them into it" if fits else "takes .safetensors alone: tell in --note where they are"
            )
            warn(f"{folder} does not store the policies {named}; `--policies FOLDER` {advice}")
    tracking = tracked(written, "verifying", total=len(written))
    found = {str(folder): verifying.verify_entry(folder)[2] for folder in tracking}
    files, left_out = _rebuild(output, rescore=False)
    _answer_checks(found, *files, failed=left_out)


@leaderboard.command()
@_board
@options.machine_output("an array: the files written")
def rebuild(board: Path) -> None:
    """Verify a leaderboard, and rewrite its page and pictures from the entries that hold.

    Exit code 1 if an entry is left out.
    """
    files, left_out = _rebuild(board)
    answer(files, *files, failed=left_out)


@leaderboard.command()
@_board
@options.machine_output("an object: what is wrong with each part")
def verify(board: Path) -> None:
    """Score every stored solution again, check every hash, and compare the page with its entries.

    Exit code 1 if anything is wrong.
    """
    with waiting(f"verifying {board}") as tell:
        try:
            found = verifying.verify(
                board, build.picture, lambda name: tell(f"verifying {board}; done: {name}")
            )
        except MissingExtraError as error:
            warn(f"pictures were not checked: {error}")
            found = verifying.verify(board)
    _answer_checks(found)


def _answer_checks(found: dict[str, list[str]], *files: str, failed: bool = False) -> None:
    lines = [
        "\n      ".join([f"{'wrong' if wrong else 'ok':5} {one_line(one)}", *map(one_line, wrong)])
        for one, wrong in found.items()
    ]
    answer(found, *lines, *files, failed=failed or any(found.values()))


@leaderboard.command("build")
@_board
@options.folder_output("Folder for the site.", default=SITE)
@click.option("--figures", type=options.FilePath("folder", file_okay=False, exists=True),
              help="Folder of SVG files for the first page.")  # fmt: skip
@options.machine_output("an object")
def build_(board: Path, output: Path, figures: Path | None) -> None:
    """Verify a leaderboard, and write it as a static site that works from disk, without a network.

    Exit code 1 if an entry is left out, since it does not verify.
    """
    build.require_libraries()
    with waiting(f"building {output}") as tell:
        checked = verifying.read_board(board, tell=lambda name: tell(f"building {output}; verified: {name}"))
        page = build.build(board, output, figures, checked)
    warn(*checked.remarks)
    answer({"page": str(page)}, str(page), failed=bool(checked.remarks))


@leaderboard.command()
@click.argument("site", default=SITE, type=options.FilePath("folder", file_okay=False, exists=True))
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="0 takes a free port.")
def serve(site: Path, port: int) -> None:
    """Show a site to this machine alone, until you press Ctrl-C."""
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    handler = partial(SimpleHTTPRequestHandler, directory=str(site))
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    except OSError as error:
        raise InputError("--port", "must be free", f"{port}: {error.strerror}", "leave it out") from None
    with server:
        click.echo(f"http://127.0.0.1:{server.server_address[1]}/  (Ctrl-C ends it)")
        with contextlib.suppress(KeyboardInterrupt):
            server.serve_forever()


@leaderboard.command("aslib")
@_campaigns
@options.folder_output("Folder for the scenario's files.")
@options.solver_option("Take this solver alone")
@_suite
@click.option("--time-limit", type=options.SECONDS, default=60.0,
              help="Time for each of the two optima of an instance.")  # fmt: skip
@options.machine_output("an array: the files written")
def aslib_(
    campaigns: tuple[Path, ...], output: Path, solvers: tuple[str, ...], suite: str, time_limit: float
) -> None:
    """Write runs and features as a scenario of ASlib, for research on choosing a solver by the instance.

    It has the instances that every solver has attempted. The features are those of `mincache instances
    features`, without the best cost.
    """
    from mincache.analysis import features  # with the exact method, which no other verb needs

    table = _single(read_tables(campaigns, solvers, suite, common=True, as_notes=True))
    if table.runs.suite is None or not table.runs.instances:
        rule = "must be at hand, with instances that every solver has attempted"
        raise InputError("suite", rule, table.runs.name, "give its folder with --suite")
    names = table.runs.instances
    if left_out := len(table.runs.suite) - len(names):
        warn(f"left out: {left_out} instances that some solver has not attempted")
    told = tracked(names, "solving", len(names))
    found = [features.features(table.runs.suite[name], time_limit) for name in told]
    files = list(map(str, aslib.write_scenario(output, table, found)))
    answer(files, *files)


def _single(tables: Sequence[board_table.Table]) -> board_table.Table:
    if len(tables) != 1:
        raise InputError("--suite", "must choose one of the suites in the records", f"{len(tables)} of them")
    return tables[0]


@leaderboard.command()
@click.argument("folder", type=options.FOLDER)
@click.option("--kind", default="gap", metavar="KIND",
              help="gap, profile, time, users, anytime, evaluations, log, faults or training.")  # fmt: skip
@click.option("--suite", type=SUITE, default="", show_default=False,
              help="Suite to draw, if the records are of several.")  # fmt: skip
@options.solver_option("Draw this solver alone")
@_common
@click.option("-o", "--output", required=True, type=options.PICTURE, help="Picture to write.")
@options.machine_output("an object")
def chart(folder: Path, kind: str, suite: str, solvers: tuple[str, ...], common: bool, output: Path) -> None:
    """Draw a chart of a campaign or a leaderboard, for a paper."""
    found = _single(read_tables([folder], solvers, suite, common=common, as_notes=True))
    drawn = charts.chart(kind, found)
    if drawn is None:
        rule = "must have something to draw in these records"
        raise InputError("--kind", rule, "nothing", "try gap or --common")
    options.prepare(output)
    drawing.write(drawn.specification, output)
    answer({"picture": str(output), "kind": kind, "suite": found.runs.name}, str(output))


def _rebuild(board: Path, rescore: bool = True) -> tuple[list[str], bool]:
    """Rewrite page and pictures; return the paths written, and whether an entry was left out."""
    written: list[Path] = []
    with waiting("verifying, drawing charts"):
        checked = verifying.read_board(board, rescore)
        tables = checked.tables()
        try:
            written = build.write_pictures(board, tables)
        except MissingExtraError as error:
            warn(f"no charts: {error}")
    page = render.write_page(board, tables)
    warn(*checked.remarks)
    return [str(path) for path in (*written, page)], bool(checked.remarks)
