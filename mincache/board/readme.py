"""The board's `README.md`: the same entries always give the same bytes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from mincache.board.entries import COVERED, Entry
from mincache.board.formats import NOTHING
from mincache.board.notes import notes
from mincache.board.render import escaped, markdown_table, ranking_markdown
from mincache.board.table import Row, Table

PAGE_FILE = "README.md"

_HEAD = """\
# Leaderboard

Every number here is computed from the records and solutions in this folder, and every stored solution
has been scored by the evaluator: `mincache leaderboard verify` scores them again, checks every hash and
rebuilds this page. Costs are eq. (11), lower is better; the gap is (cost - best known) / best known.
`mincache leaderboard table leaderboard --suite NAME` has every column.
"""
_ENTRY_COLUMNS = ("entry", "tier", "authors", "machine", "mincache", "date", "records", "solutions")


def chart_file(suite: str) -> str:
    """Return the name of a suite's chart, beside the page."""
    return f"{suite}.svg"


def page(tables: Sequence[Table], board: Path) -> str:
    """Return the page of a board: for each suite its table, its chart if there is one, and its entries."""
    sections = [_HEAD]
    for table in sorted(tables, key=lambda table: (table.runs.name != "paper-v1", table.runs.name)):
        name = table.runs.name
        listed = "".join(f"- {escaped(note)}\n" for note in notes(table))
        sections.append(f"## {escaped(name)}\n\n{ranking_markdown(table, brief=True)}\n{listed}")
        if (board / chart_file(name)).is_file():
            alt = f"Gap to the best known cost on each instance of {name}, a line of points a solver"
            sections.append(f"![{escaped(alt)}]({chart_file(name)})\n")
        sections.append(_listed(table.rows))
    covered = markdown_table(("what", "what verifying covers, and what it cannot"), COVERED.items())
    return "\n".join([*sections, f"## What verifying covers\n\n{covered}"])


def _listed(rows: Iterable[Row]) -> str:
    published = [(row, row.entry) for row in rows if row.entry is not None]
    reviews = [
        f"- {entry.folder.name} is {review}" for _, entry in published for review in entry.reviews.values()
    ]
    table = markdown_table(_ENTRY_COLUMNS, (_cells(row, entry) for row, entry in published))
    return table + "".join(f"\n{escaped(review)}\n" for review in reviews)


def _cells(row: Row, entry: Entry) -> tuple[str, ...]:
    manifest, folder = entry.manifest, entry.folder
    return (
        f"[{escaped(folder.name)}]({folder.parent.name}/{folder.name})",
        str(row.tier),
        escaped(", ".join(manifest.authors)) or NOTHING,
        escaped(row.machine),
        escaped(row.version),
        row.date,
        str(manifest.records.lines),
        str(manifest.solutions.lines),
    )
