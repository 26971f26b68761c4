"""The site: static pages of a board that work from disk, with no network; the same board, the same bytes."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from mincache.board import readme, render
from mincache.board.entries import Entry
from mincache.board.table import Table
from mincache.board.verify import Checked, read_board
from mincache.errors import InputError, MissingExtraError
from mincache.files.documents import digest, write_bytes
from mincache.files.paths import make_folder
from mincache.site import charts, instance_page
from mincache.site import pages as contents
from mincache.site.grid import GridCell
from mincache.site.instance_page import best_solution, solution_path
from mincache.site.pages import SuitePages
from mincache.site.solver_page import solver_page

_LONG_CHARACTERS = 40
"""A fact that is longer gets a line of its own."""
_ASSETS = ("board.css", "board.js")
_MARK = ".mincache-site"
"""Names a folder that a site may be written into anew."""
_RUN_COLUMNS = ("solver", "instance", "seed", "repetition", "outcome", "cost", "gap", "solve_s", "answer_s",
                "hit_ratio", "bound", "limit_s", "reference_s", "started", "solution", "reason")  # fmt: skip


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
    for path, content in _files(suites, Path(figures) if figures else None):
        _write(site / path, content)
    for one in suites:
        for row in one.table.rows:
            if row.entry is not None:
                _write_solutions(site, row.entry, {best_solution(row, n) for n in range(row.runs.shape[1])})
    return site / "index.html"


def _clear(site: Path) -> None:
    """Remove an earlier site: pages of entries that are gone would still be served."""
    if site.is_dir() and any(site.iterdir()):
        if not (site / _MARK).exists():
            raise InputError(
                "output", "must be a new folder or hold a site", f"{site}, which holds other files"
            )
        shutil.rmtree(site)
    _write(site / _MARK, b"")


def picture(table: Table) -> bytes | None:
    """Return the picture of a suite for the board's page; None if there is nothing to draw.

    Raises:
        MissingExtraError: if the libraries for charts are not installed.
    """
    drawn = charts.chart("gap", table)
    return None if drawn is None else charts.svg(drawn)


def write_pictures(board: str | os.PathLike[str], tables: Sequence[Table]) -> list[Path]:
    """Draw the picture of each suite of a board for its page, which shows those that exist."""
    written = []
    for table in tables:
        if (drawn := picture(table)) is not None:
            written.append(Path(board) / readme.chart_file(table.runs.name))
            write_bytes(written[-1], drawn)
    return written


def _files(suites: list[SuitePages], figures: Path | None) -> Iterator[tuple[str, bytes]]:
    templates = _templates()

    def page(
        path: str, of: list[SuitePages], context: dict[str, Any], template: str = "detail"
    ) -> tuple[str, bytes]:
        runs = [one.table.runs for one in of]
        protocols = [(one.name, one.protocol_sha256 or "the defaults") for one in runs]
        defaults = {"root": "../" * path.count("/"), "here": "", "trail": [], "lede": "", "facts_listed": [],
                    "figures": [], "protocols": protocols,
                    "suites": [(s.name, s.path) for s in suites]}  # fmt: skip
        return path, templates.get_template(f"{template}.html.jinja").render(defaults | context).encode()

    drawn = sorted(figures.glob("*.svg")) if figures else []
    shown = [(path.name, _title(path.stem)) for path in drawn]
    yield page("index.html", suites, contents.overview(suites) | {"figures": shown})
    for one in suites:
        yield page(one.path, [one], contents.suite_page(one), "suite")
        yield page(f"pairs/{one.folder}.html", [one], contents.pairs_page(one))
        yield page(f"instances/{one.folder}/index.html", [one], instance_page.instance_list(one))
        for n, name in enumerate(one.table.runs.instances):
            yield page(one.instance_path(name), [one], instance_page.instance_page(one, n))
        for row in one.table.rows:
            yield page(one.solver_path(row), [one], solver_page(one, row))
        for kind in one.charts:
            yield page(one.chart_path(kind), [one], contents.chart_page(one, kind))
        yield from _data(one)
    for name in _ASSETS:
        yield f"assets/{name}", (resources.files("mincache.site") / "templates" / name).read_bytes()
    for path in drawn:
        yield f"figures/{path.name}", path.read_bytes()


def _data(one: SuitePages) -> Iterator[tuple[str, bytes]]:
    texts = {"json": render.as_json, "csv": render.as_csv, "tex": render.latex}
    for suffix, text in texts.items():
        yield one.data_path(suffix), text([one.table]).encode()
    yield one.data_path("runs.csv"), render.csv_text(_RUN_COLUMNS, runs_listed(one.table)).encode()
    for kind, (_, rows, _) in one.charts.items():
        names = list(dict.fromkeys(name for row in rows for name in row))
        yield one.data_path(f"{kind}.csv"), render.csv_text(names, rows).encode()


def runs_listed(table: Table) -> Iterator[dict[str, Any]]:
    """Yield every run of a table, a flat row each."""
    runs = table.runs
    labels = [runs.labels[who] for who in runs.contenders]
    columns = {"gap": runs.gap.tolist()} | {name: runs[name].tolist() for name in runs.data}
    for n in range(len(runs.row)):
        found = {"solver": labels[runs.row[n]], "instance": runs.instances[runs.instance[n]]}
        yield found | {name: columns[name][n] for name in _RUN_COLUMNS if name not in found}


def _title(stem: str) -> str:
    """Return what to call a figure by the name of its file: `fig3` is Figure 3."""
    words = re.sub(r"^fig(?:ure)?[ -]?(?=\d)", "Figure ", stem.replace("-", " "))
    return words[:1].upper() + words[1:]


def _write_solutions(site: Path, entry: Entry, wanted: set[str | None]) -> None:
    """Write the best solution of each instance of an entry."""
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
        loader=PackageLoader("mincache.site"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["drawn"] = Markup  # what charts.inline made; every text in it is escaped already
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
