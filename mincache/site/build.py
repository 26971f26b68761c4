"""The site: static pages of a board that work from disk, with no network; the same board, the same bytes."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from mincache.board import render
from mincache.board.table import Table
from mincache.board.verify import Checked, read_board
from mincache.errors import InputError, MissingExtraError
from mincache.files.documents import digest, write_bytes
from mincache.files.paths import make_folder
from mincache.site import charts, details, drawing, pages
from mincache.site.pages import Context, GridCell, SuitePages

_LONG_CHARACTERS = 40
"""A fact that is longer gets a line of its own."""
_ASSETS = ("board.css", "board.js")
_MARK = ".mincache-site"
"""Names a folder that a site may be written into anew."""
_BREAKS = re.compile(r"(\[|,| to )")
Render = Callable[[str, str, list[SuitePages], Context], tuple[str, bytes]]


def build(
    board: str | os.PathLike[str], site: str | os.PathLike[str],
    figures: str | os.PathLike[str] | None = None, checked: Checked | None = None,
) -> Path:  # fmt: skip
    """Write the site of a board, of the entries that verify, and return its first page.

    Args:
        board: folder with entries.
        site: folder to write to; what an earlier build left there is removed.
        figures: folder of SVG files to show on the first page.
        checked: the board, read already.

    Raises:
        InputError: if the board has no entry, or the folder holds something else than a site.
        MissingExtraError: if the libraries for the site are not installed.
    """
    checked = checked or read_board(board)
    suites = sorted(map(SuitePages, checked.tables()), key=lambda one: (one.name != "paper-v1", one.name))
    site = Path(site)
    _clear(site)
    for path, content in site_files(suites, Path(figures) if figures else None):
        _write(site / path, content)
    return site / "index.html"


def _clear(site: Path) -> None:
    """Remove an earlier site: pages of entries that are gone would still be served."""
    if site.is_dir() and any(site.iterdir()):
        if not (site / _MARK).exists():
            rule = "must be a new folder or hold a site"
            raise InputError("output", rule, f"{site}, which holds other files")
        shutil.rmtree(site)
    _write(site / _MARK, b"")


def picture(table: Table) -> bytes | None:
    """Return the picture of a suite for the board's page; None if there is nothing to draw."""
    drawn = charts.chart("gap", table)
    return None if drawn is None else drawing.svg(drawn.specification)


def write_pictures(board: str | os.PathLike[str], tables: Sequence[Table]) -> list[Path]:
    """Draw the picture of each suite of a board for its page, which shows those that exist."""
    drawn = {Path(board) / render.chart_file(table.runs.name): picture(table) for table in tables}
    written = {path: content for path, content in drawn.items() if content is not None}
    for path, content in written.items():
        write_bytes(path, content)
    return list(written)


def site_files(suites: list[SuitePages], figures: Path | None) -> Iterator[tuple[str, bytes]]:
    """Yield the path and content of every file of a site."""
    page = _renderer(suites)
    drawn = sorted(figures.glob("*.svg")) if figures else []
    shown = [(path.name, _title(path.stem)) for path in drawn]
    yield page("index.html", "detail", suites, pages.overview(suites) | {"pictures": shown})
    for one in suites:
        yield from _of_suite(one, page)
    for name in _ASSETS:
        yield f"assets/{name}", (resources.files("mincache.site") / "templates" / name).read_bytes()
    for path in drawn:
        yield f"figures/{path.name}", path.read_bytes()


def _of_suite(one: SuitePages, page: Render) -> Iterator[tuple[str, bytes]]:
    yield page(one.path, "suite", [one], pages.suite_page(one))
    yield page(f"pairs/{one.folder}.html", "detail", [one], pages.pairs_page(one))
    yield page(f"instances/{one.folder}/index.html", "detail", [one], details.instance_list(one))
    found = details.cells(one.runs)
    by_instance, by_row = (dict(list(found.groupby(level=name))) for name in ("instance", "row"))
    nobody = found.iloc[:0]
    for n, name in enumerate(one.runs.instances):
        here = by_instance.get(n, nobody).droplevel("instance")
        yield page(one.instance_path(name), "detail", [one], details.instance_page(one, n, here))
    for row in one.table.rows:
        here = by_row[row.number].droplevel("row")
        yield page(one.solver_path(row), "detail", [one], details.solver_page(one, row, here))
        wanted = set(here["solution"])  # the best of each instance
        for document in row.entry.solutions() if row.entry is not None else ():
            if (name := digest(document)) in wanted:
                yield details.solution_path(name), document
    for kind in one.charts:
        yield page(one.chart_path(kind), "detail", [one], pages.chart_page(one, kind))
    yield from _data(one)


def _data(one: SuitePages) -> Iterator[tuple[str, bytes]]:
    texts = {"json": render.as_json, "csv": render.as_csv, "tex": render.latex}
    for suffix, text in texts.items():
        yield one.data_path(suffix), text([one.table]).encode()
    yield one.data_path("runs.csv"), render.runs_csv(one.runs).encode()
    for kind, drawn in one.charts.items():
        names = list(dict.fromkeys(name for row in drawn.rows for name in row))
        yield one.data_path(f"{kind}.csv"), render.csv_text(names, drawn.rows).encode()


def _title(stem: str) -> str:
    """Return what to call a figure by the name of its file: `fig3` is Figure 3."""
    words = re.sub(r"^fig(?:ure)?[ -]?(?=\d)", "Figure ", stem.replace("-", " "))
    return words[:1].upper() + words[1:]


def _write(path: Path, content: bytes) -> None:
    make_folder(path.parent)
    write_bytes(path, content)


def _renderer(suites: list[SuitePages]) -> Render:
    templates, listed = _templates(), [(one.name, one.path) for one in suites]

    def page(path: str, template: str, of: list[SuitePages], context: Context) -> tuple[str, bytes]:
        protocols = [(one.name, one.runs.protocol_sha256 or "the defaults") for one in of]
        defaults = {"root": "../" * path.count("/"), "here": "", "trail": [], "lede": "", "facts": [],
                    "pictures": [], "protocols": protocols, "suites": listed}  # fmt: skip
        found = templates.get_template(f"{template}.html.jinja").render(defaults | context)
        return path, found.encode()

    return page


def _templates() -> Any:
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
        from markupsafe import Markup, escape
    except ModuleNotFoundError as error:
        message = f"the site needs {error.name}, which is not installed: pip install 'mincache[board]'"
        raise MissingExtraError(message) from None
    environment = Environment(
        loader=PackageLoader("mincache.site"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["drawn"] = Markup  # what drawing.inline made; every text in it is escaped already
    environment.filters["breakable"] = lambda text: Markup(_BREAKS.sub(r"\1<wbr>", str(escape(text))))
    environment.filters["sortable"] = lambda cell: Markup(_sortable(cell))
    environment.tests["long"] = lambda value: isinstance(value, str) and len(value) > _LONG_CHARACTERS
    return environment


def _sortable(cell: GridCell) -> str:
    """Return the attribute with the number to sort a cell by; none where its text is that number."""
    value = "" if cell.value is None else f"{cell.value:.6g}"
    return f' data-v="{value}"' if value not in ("", cell.text) else ""
