"""The site: static pages of a board that work from disk, with no network; the same board, the same bytes."""

from __future__ import annotations

import math
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from mincache.board import columns, render
from mincache.board.entries import COVERED, TIERS, write_file
from mincache.board.table import Table
from mincache.board.verify import Checked, nothing_holds, read_board
from mincache.errors import InputError, optional_library
from mincache.files.documents import digest, write_bytes
from mincache.files.paths import folder_aside, make_folder
from mincache.files.spreadsheets import csv_text
from mincache.site import charts, drawing
from mincache.site.pages import Context, SuitePages, contexts

_LONG_CHARACTERS = 40
"""A fact that is longer gets a line of its own."""
_ASSETS = ("board.css", "board.js")
_MARK = ".mincache-site"
"""Names a folder that a site may be written into anew."""
_WRITTEN = ("assets", "charts", "data", "figures", "instances", "pairs", "solutions", "solvers", "suites")
"""The folders of a site."""
_BREAKS = re.compile(r"(\[|,| to )")
NUMERIC: Mapping[str, Callable[[Any], str]] = {
    "cost": columns.cost, "share": columns.percent, "gap": lambda value: columns.percent(value, 2),
    "seconds": columns.duration, "count": str, "number": lambda value: f"{value:.4g}",
    "p": lambda value: f"{value:.2g}", "any": lambda value: f"{value:g}",
    "of": lambda pair: f"{pair[0]:.0f}/{pair[1]:.0f}",
}  # fmt: skip
"""How the numbers of a column are written, by kind; other kinds are text."""
_LEDE = (
    "Who decides best what an edge server caches, how it shares its uplink and how many denoising steps each "
    "user gets."
)


def build(
    board: str | os.PathLike[str], site: str | os.PathLike[str],
    figures: str | os.PathLike[str] | None = None, checked: Checked | None = None,
) -> Path:  # fmt: skip
    """Write the site of a board, of the entries that verify, and return its first page.

    A folder that holds a site already gets this one in its place once it is whole, and keeps all other files;
    one that holds other files alone is refused. `figures` is a folder of SVG files for the first page,
    `checked` the board, read already.
    """
    checked, site = checked or read_board(board), Path(site)
    suites = sorted(map(SuitePages, checked.tables()), key=lambda one: (one.name != "paper-v1", one.name))
    if not suites:
        raise nothing_holds(board)
    if site.is_dir() and any(site.iterdir()) and not (site / _MARK).exists():
        rule = "must be a new folder or hold a site"
        raise InputError("output", rule, f"{site}, which holds other files")
    with folder_aside(site) as aside:
        for path, content in site_files(suites, Path(figures) if figures else None):
            make_folder((aside / path).parent)
            write_bytes(aside / path, content)
        write_bytes(site / _MARK, b"")
        for name in _WRITTEN:  # all of it: pages of entries that are gone would still be served
            shutil.rmtree(site / name, ignore_errors=True)
        for part in aside.iterdir():
            part.replace(site / part.name)
    return site / "index.html"


def write_pictures(board: str | os.PathLike[str], tables: Sequence[Table]) -> list[Path]:
    """Draw the picture of each suite of a board for its page, which shows those that exist."""
    written = []
    for table in tables:
        path = Path(board) / render.chart_file(table.runs.name)
        if (drawn := picture(table)) is None:
            path.unlink(missing_ok=True)
            continue
        write_file(path, drawn)
        written.append(path)
    return written


def picture(table: Table) -> bytes | None:
    """Return the picture of a suite for the board's page; None if there is nothing to draw."""
    drawing.require_libraries()
    drawn = charts.chart("gap", table)
    return None if drawn is None else drawing.svg(drawn.specification)


def site_files(suites: list[SuitePages], figures: Path | None) -> Iterator[tuple[str, bytes]]:
    """Yield the path and content of every file of a site."""
    page = _renderer(suites)
    drawn = [path for path in sorted(figures.glob("*.svg")) if path.is_file()] if figures else []
    pictures = [(path.name, _title(path.stem)) for path in drawn]
    first = {"title": "Suites", "lede": _LEDE, "pages": suites, "pictures": pictures}
    yield page("index.html", "overview", suites, first)
    for one in suites:
        for path, template, context in contexts(one):
            yield page(path, template, [one], context)
        yield from _data(one)
    for name in _ASSETS:
        yield f"assets/{name}", (resources.files("mincache.site") / "templates" / name).read_bytes()
    for figure in drawn:
        yield f"figures/{figure.name}", figure.read_bytes()


def _data(one: SuitePages) -> Iterator[tuple[str, bytes]]:
    """The numbers of a suite as files, and the best solution of each solver and instance."""
    texts = {"json": render.as_json, "csv": render.as_csv, "tex": render.latex}
    files = {suffix: text([one.table]) for suffix, text in texts.items()}
    files["runs.csv"] = render.runs_csv(one.runs)
    for kind, drawn in one.charts.items():
        files[f"{kind}.csv"] = csv_text(drawn.rows)
    yield from ((f"data/{one.folder}.{suffix}", text.encode()) for suffix, text in files.items())
    for row in one.table.rows:
        wanted = set(one.cells["solution"].loc[row.number])
        for document in row.entry.solutions() if row.entry is not None else ():
            if (name := digest(document)) in wanted:
                yield f"solutions/{name}.json.gz", document


def _title(stem: str) -> str:
    """Return what to call a figure by the name of its file: `fig3` is Figure 3."""
    words = re.sub(r"^fig(?:ure)?[ -]?(?=\d)", "Figure ", stem.replace("-", " "))
    return words[:1].upper() + words[1:]


def _renderer(suites: list[SuitePages]) -> Callable[..., tuple[str, bytes]]:
    templates = _templates()
    meanings = [(column.heading, column.meaning) for column in columns.COLUMNS]
    shared = {"suites": suites, "glossary": meanings, "tiers": TIERS, "covered": COVERED, "lede": ""}

    def page(path: str, template: str, of: list[SuitePages], context: Context) -> tuple[str, bytes]:
        own = {"root": "../" * path.count("/"), "path": path, "of": of, "page": of[0]}
        found = templates.get_template(f"{template}.html.jinja").render(shared | own | context)
        return path, found.encode()

    return page


def require_libraries() -> None:
    """Check that a site can be written, before its board is verified."""
    optional_library("jinja2", "board", "the site needs")
    drawing.require_libraries()


def _templates() -> Any:
    require_libraries()
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup, escape

    environment = Environment(
        loader=PackageLoader("mincache.site"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {
        "drawn": Markup,  # what drawing.inline made; every text in it is escaped already
        "breakable": lambda text: Markup(_BREAKS.sub(r"\1<wbr>", str(escape(text)))),
        "sortable": lambda value, text: Markup(_sortable(value, text)),
        "slug": lambda title: re.sub(r"\W+", "-", title.lower()),
        "written": _written, "kinds": _kinds,
        "between": lambda ends: columns.between(*map(str, ends)) if ends else "",
    }  # fmt: skip
    environment.tests |= {
        "long": lambda value: isinstance(value, str) and len(value) > _LONG_CHARACTERS,
        "numeric": NUMERIC.__contains__, "missing": _missing,
    }  # fmt: skip
    return environment


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _written(value: Any, kind: str) -> str:
    if _missing(value):
        return columns.NOTHING
    return NUMERIC[kind](value) if kind in NUMERIC and not isinstance(value, str) else str(value)


def _sortable(value: Any, text: str) -> str:
    """Return the attribute with the number to sort a cell by; none where its text is that number."""
    number = value[0] if isinstance(value, tuple) else value
    shown = "" if _missing(number) or isinstance(number, str) else f"{number:.6g}"
    return f' data-v="{shown}"' if shown not in ("", text) else ""


def _kinds(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The columns of a chart's rows, and whether each holds numbers."""
    values = {name: value for row in rows for name, value in row.items()}
    return {name: "any" if isinstance(value, int | float) else "text" for name, value in values.items()}
