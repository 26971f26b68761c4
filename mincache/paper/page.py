"""The tables in docs/paper.md, generated from the numbers that are committed beside it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from mincache.board.render import escaped, markdown_table
from mincache.errors import InputError
from mincache.paper import findings
from mincache.paper.findings import FindingRow
from mincache.paper.layout import COLUMNS, cells
from mincache.paper.studies import WORDS

_BLOCK = re.compile(r"(<!-- table ([a-z0-9-]+) -->\n).*?(<!-- /table -->)", re.DOTALL)


def refreshed(page: str, folder: Path) -> str:
    """Return a page with each block `<!-- table NAME -->` filled with that table.

    Args:
        page: Markdown.
        folder: where `mincache reproduce` wrote its numbers.

    A table that has no numbers yet stays as it is.

    Raises:
        InputError: if there is no such table.
    """
    found = [findings.read(folder, word) for word in WORDS if findings.path_of(folder, word).is_file()]
    tables = {name: rows for one in found for name, rows in one.tables.items()}
    tables["record"] = [{"what": one.what, **one.record} for one in found]
    return _BLOCK.sub(lambda block: _filled(block, tables), page)


def _filled(block: re.Match[str], tables: Mapping[str, Sequence[FindingRow]]) -> str:
    name = block[2]
    if name not in COLUMNS:
        raise InputError("table", f"must be one of {', '.join(COLUMNS)}", repr(name))
    if not tables.get(name):
        return block[0]
    titles, *rows = cells(name, tables[name])
    left = [not column.numeric for column in COLUMNS[name]]
    return f"{block[1]}{markdown_table(titles, [list(map(escaped, row)) for row in rows], left)}{block[3]}"
