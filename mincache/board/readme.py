"""The board's `README.md`: the same entries always give the same bytes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from mincache.board.entries import Entry
from mincache.board.formats import NOTHING, duration
from mincache.board.render import escaped, markdown, markdown_table
from mincache.board.standing import standings
from mincache.board.table import Table

PAGE_FILE = "README.md"

_HEAD = """\
# Leaderboard

Every number here is computed from the records and solutions in this folder, and every stored solution
has been scored by the evaluator: `mincache leaderboard verify` scores them again, checks every hash and
rebuilds this page. Costs are eq. (11), lower is better; the gap is (cost - best known) / best known.
"""
_ENTRY_COLUMNS = ("entry", "kind", "tier", "authors", "training", "trained on", "records", "solutions")


def chart_file(suite: str) -> str:
    """Return the name of a suite's chart, beside the page."""
    return f"{suite}.svg"


def page(entries: Sequence[Entry], board: Path) -> str:
    """Return the page of a board: for each suite its table, its chart if there is one, and its entries."""
    sections = [_HEAD]
    for standing in standings(record for entry in entries for record in entry.records):
        here = [entry for entry in entries if entry.manifest.suite == standing.name]
        sections += [markdown([Table(standing)]), *_chart(standing.name, board), _listed(here)]
    return "\n".join(sections)


def _chart(suite: str, board: Path) -> Iterable[str]:
    if (board / chart_file(suite)).is_file():
        alt = f"Gap to the best known cost on each instance of {suite}, a line of points a solver"
        yield f"![{escaped(alt)}]({chart_file(suite)})\n"


def _listed(entries: Iterable[Entry]) -> str:
    flags = [
        f"- {entry.folder.name} is flagged: {entry.manifest.flag}" for entry in entries if entry.manifest.flag
    ]
    table = markdown_table(_ENTRY_COLUMNS, map(_cells, entries))
    return table + "".join(f"\n{escaped(flag)}\n" for flag in flags)


def _cells(entry: Entry) -> tuple[str, ...]:
    manifest, folder = entry.manifest, entry.folder
    return (
        f"[{escaped(folder.name)}]({folder.parent.name}/{folder.name})",
        escaped(manifest.kind) or NOTHING,
        entry.tier,
        escaped(", ".join(manifest.authors)) or NOTHING,
        duration(manifest.training_s),
        escaped(manifest.training_device) or NOTHING,
        str(manifest.records.lines),
        str(manifest.solutions.lines),
    )
