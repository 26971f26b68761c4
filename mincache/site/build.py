"""The site: static pages of a board that work from disk, with no network; the same board, the same bytes."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

from mincache.board import readme, render
from mincache.board.columns import COLUMNS
from mincache.board.entries import TIERS, Entry, read_entries
from mincache.board.standing import standings
from mincache.board.table import Table
from mincache.errors import MissingExtraError
from mincache.files.documents import digest, write_bytes
from mincache.files.paths import make_folder
from mincache.site import charts
from mincache.site.grid import GridCell
from mincache.site.instance_page import instance_page
from mincache.site.pages import Context, SuitePages, best_run, solution_path
from mincache.site.pairs_page import pairs_page
from mincache.site.ranking_page import DOWNLOADS, choices, listing, ranking
from mincache.site.solver_page import solver_page

_LONG_CHARACTERS = 40
"""A fact that is longer gets a line of its own."""
_ASSETS = ("board.css", "board.js")
_DATA = {"json": render.as_json, "csv": render.as_csv, "tex": render.latex}


def build(
    board: str | os.PathLike[str], site: str | os.PathLike[str], figures: str | os.PathLike[str] | None = None
) -> Path:
    """Write the site of a board, and return its first page.

    Args:
        board: folder with entries.
        site: folder to write to; files of an earlier build stay where they are not replaced.
        figures: folder of SVG files to show on the first page.

    Raises:
        InputError: if the board has no entry.
        MissingExtraError: if the libraries for the site are not installed.
    """
    entries = read_entries(board)
    pages = [
        SuitePages.of(standing, [e for e in entries if e.manifest.suite == standing.name])
        for standing in standings(record for entry in entries for record in entry.records)
    ]
    site = Path(site)
    for path, content in _files(pages, Path(figures) if figures else None):
        _write(site / path, content)
    for entry in entries:
        _write_solutions(site, entry, pages)
    return site / "index.html"


def write_charts(board: str | os.PathLike[str]) -> list[Path]:
    """Draw the chart of gaps of each suite of a board for its page, which shows those that exist.

    Raises:
        MissingExtraError: if the libraries for charts are not installed.
    """
    written = []
    for standing in standings(record for entry in read_entries(board) for record in entry.records):
        drawn = charts.chart("gap", Table(standing))
        if drawn is not None:
            written.append(Path(board) / readme.chart_file(standing.name))
            write_bytes(written[-1], charts.svg(drawn))
    return written


def _files(pages: list[SuitePages], figures: Path | None) -> Iterator[tuple[str, bytes]]:
    templates = _templates()

    def page(template: str, path: str, of: list[SuitePages] = pages, **context: Any) -> tuple[str, bytes]:
        root = "../" * path.count("/")
        protocols = [(one.standing.name, one.standing.protocol_sha256 or "the defaults") for one in of]
        defaults: Context = {
            "root": root, "here": "", "trail": [], "charts": False, "protocols": protocols,
        }  # fmt: skip
        rendered = templates.get_template(f"{template}.html.jinja").render(defaults | context)
        return path, rendered.encode()

    drawn = sorted(figures.glob("*.svg")) if figures else []
    suites = [ranking(one) for one in pages]
    yield page(
        "index", "index.html", title="Ranking", here="ranking", charts=True, choices=choices(suites),
        suites=suites, figures=[(path.name, _title(path.stem)) for path in drawn],
        columns=[(column.heading, column.meaning) for column in COLUMNS], tiers=TIERS.items(),
    )  # fmt: skip
    yield page(
        "listing", "instances.html", title="Instances", here="instances", suites=list(map(listing, pages))
    )
    for one in pages:
        yield page("detail", one.pairs_path, [one], **pairs_page(one))
        for name in one.standing.instances:
            yield page("detail", one.instance_path(name), [one], **instance_page(one, name))
        for who in one.standing.results:
            yield page("detail", one.solver_path(who), [one], **solver_page(one, who))
        for suffix in DOWNLOADS:
            yield one.data_path(suffix), _DATA[suffix]([one.table]).encode()
    yield "assets/vega.js", charts.bundle()
    for name in _ASSETS:
        yield f"assets/{name}", (resources.files("mincache.site") / "templates" / name).read_bytes()
    for path in drawn:
        yield f"figures/{path.name}", path.read_bytes()


def _title(stem: str) -> str:
    """Return what to call a figure by the name of its file: `fig3` is Figure 3."""
    words = re.sub(r"^fig(?:ure)?[ -]?(?=\d)", "Figure ", stem.replace("-", " "))
    return words[:1].upper() + words[1:]


def _write_solutions(site: Path, entry: Entry, pages: list[SuitePages]) -> None:
    """Write the best solution of each instance of an entry."""
    wanted = {
        best.solution_sha256
        for one in pages
        for who, mine in one.entries.items()
        if mine is entry
        for records in one.standing.results[who].values()
        if (best := best_run(records)) is not None
    }
    for document in entry.solutions():
        name = digest(document)
        if name in wanted:
            _write(site / solution_path(name), document)


def _write(path: Path, content: bytes) -> None:
    make_folder(path.parent)
    write_bytes(path, content)


def _templates() -> Any:
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
        from markupsafe import Markup, escape
    except ModuleNotFoundError as error:
        message = f"the site needs {error.name}, which is not installed: pip install 'mincache[board]'"
        raise MissingExtraError(message) from None
    environment = Environment(
        loader=PackageLoader("mincache.site"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["embedded"] = lambda value: Markup(embedded(value))
    environment.filters["breakable"] = lambda text: Markup(
        re.sub(r"(\[|,| to )", r"\1<wbr>", str(escape(text)))
    )
    environment.filters["sortable"] = lambda cell: Markup(_sortable(cell))
    environment.tests["long"] = lambda value: isinstance(value, str) and len(value) > _LONG_CHARACTERS
    return environment


def _sortable(cell: GridCell) -> str:
    """Return the attribute with the number to sort a cell by; none where its text is that number."""
    value = "" if cell.value is None else f"{cell.value:.6g}"
    return f' data-v="{value}"' if value not in ("", cell.text) else ""


def embedded(value: Any) -> str:
    """Return a value as JSON that may stand inside a script element: nothing in it can end the element."""
    text = json.dumps(value, separators=(",", ":"), sort_keys=True, allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
