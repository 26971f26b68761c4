"""One table, several renderings: Markdown, LaTeX, JSON and CSV; `cli.leaderboard` has that for a terminal."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mincache.board.columns import NUMBERS, numbers, visible_columns
from mincache.board.formats import failures
from mincache.board.notes import notes
from mincache.board.table import Row, Table
from mincache.board.times import POLICIES
from mincache.problem.constraints import CONSTRAINTS


def markdown(tables: Sequence[Table]) -> str:
    """Return the tables as Markdown, each under a heading."""
    return "\n".join(map(_markdown_section, tables))


def latex(tables: Sequence[Table]) -> str:
    """Return the tables as LaTeX for the package booktabs, each a `tabular` with its notes as comments."""
    return "\n".join(map(_tabular, tables))


def as_json(tables: Sequence[Table]) -> str:
    """Return the tables as JSON, all digits kept."""
    return json.dumps({"tables": [_json_table(table) for table in tables]}, indent=1, allow_nan=False) + "\n"


def as_csv(tables: Sequence[Table]) -> str:
    """Return the rows of the tables as CSV, all digits kept, the suite in the first column."""
    text = io.StringIO()
    writer = csv.DictWriter(text, ["suite", *CSV_COLUMNS, "protocol_sha256"], lineterminator="\n")
    writer.writeheader()
    for table in tables:
        for row in table.rows:
            ends = {"suite": table.standing.name, "protocol_sha256": table.standing.protocol_sha256}
            writer.writerow({name: _inert(value) for name, value in (ends | _flat(row)).items()})
    return text.getvalue()


def _inert(value: Any) -> Any:
    """Put an apostrophe before text that a spreadsheet would take for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@")) else value


def _flat(row: Row) -> dict[str, Any]:
    values = numbers(row)
    values["failures"] = failures(values["failures"])
    for name, keys in _MAPPINGS.items():
        found = values.pop(name)
        values |= {f"{name}_{key}": found.get(key) for key in keys}
    return values


_MAPPINGS: Mapping[str, Sequence[str]] = {
    "mean_solve_s": POLICIES, "raw_rate": CONSTRAINTS, "raw_excess": CONSTRAINTS,
}  # fmt: skip
"""The numbers of a row that have a column a key in CSV, and those keys."""

CSV_COLUMNS = [name for name in NUMBERS if name not in _MAPPINGS]
CSV_COLUMNS += [f"{name}_{key}" for name, keys in _MAPPINGS.items() for key in keys]


def markdown_table(titles: Sequence[str], rows: Iterable[Sequence[str]], left: Sequence[bool] = ()) -> str:
    """Return a Markdown table of cells that are Markdown already; columns not `left` are flush right."""
    rules = ["---:" if n < len(left) and not left[n] else "---" for n in range(len(titles))]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (titles, rules, *rows))


def escaped(text: str) -> str:
    """Escape what Markdown or HTML would act on, and keep it on one line; a name is anybody's text."""
    return re.sub(r"([\\`*_\[\]<>|#&~$])", r"\\\1", " ".join(text.split()))


def _markdown_section(table: Table) -> str:
    columns = visible_columns(table)
    rows = ([escaped(column.cell(row)) for column in columns] for row in table.rows)
    titles = [escaped(column.heading) for column in columns]
    left = [not column.numeric for column in columns]
    listed = "".join(f"- {escaped(note)}\n" for note in notes(table))
    return f"## {escaped(table.standing.name)}\n\n{markdown_table(titles, rows, left)}\n{listed}"


def _tabular(table: Table) -> str:
    comments = "".join(f"% {' '.join(line.split())}\n" for line in (table.standing.name, *notes(table)))
    columns = visible_columns(table)
    sides = "".join("r" if column.numeric else "l" for column in columns)
    titles = _latex_row(column.heading for column in columns)
    rows = "".join(_latex_row(column.cell(row) for column in columns) for row in table.rows)
    body = f"\\toprule\n{titles}\\midrule\n{rows}\\bottomrule\n"
    return f"{comments}\\begin{{tabular}}{{{sides}}}\n{body}\\end{{tabular}}\n"


def _latex_row(cells: Iterable[str]) -> str:
    return " & ".join("".join(_LATEX.get(c, c) for c in cell) for cell in cells) + " \\\\\n"


_LATEX = {c: f"\\{c}" for c in "&%$#_{}"} | {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "[": "{[}", "]": "{]}",
}  # fmt: skip
"""What LaTeX would act on; a bracket at the start of a row would be an option of the row before."""


def _json_table(table: Table) -> dict[str, Any]:
    standing = table.standing
    return {
        "suite": standing.name,
        "instances": len(standing.instances),
        "common_instances": list(standing.common),
        "protocol": standing.protocol.model_dump(mode="json"),
        "protocol_sha256": standing.protocol_sha256,
        "rows": [numbers(row) for row in table.rows],
        "notes": list(notes(table)),
    }
