"""One table, several renderings: Markdown, LaTeX, JSON and CSV; `cli.leaderboard` has that for a terminal."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mincache.board.columns import COLUMNS, numbers, visible_columns
from mincache.board.comparison import Contrast
from mincache.board.entries import COVERED, Entry
from mincache.board.formats import NOTHING, failures
from mincache.board.notes import notes
from mincache.board.runs import Runs
from mincache.board.table import QUESTIONS, Row, Table


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
    ends = [
        {"suite": table.runs.name, "protocol_sha256": table.runs.protocol_sha256} | _flat(row)
        for table in tables
        for row in table.rows
    ]
    return csv_text(["suite", *CSV_COLUMNS, "protocol_sha256"], ends)


RUN_COLUMNS = ("solver", "instance", "seed", "repetition", "outcome", "cost", "gap", "solve_s", "answer_s",
               "hit_ratio", "bound", "limit_s", "reference_s", "started", "solution", "reason")  # fmt: skip
"""What is told of every run."""


def runs_csv(runs: Runs) -> str:
    """Return every run as CSV, a row each."""
    solvers = np.array([runs.labels[who] for who in runs.contenders], dtype=object)
    frame = runs.frame.assign(
        solver=solvers[runs.frame["row"]],
        instance=np.array(runs.instances, dtype=object)[runs.frame["instance"]],
    )
    listed = frame[list(RUN_COLUMNS)].astype(object).where(frame[list(RUN_COLUMNS)].notna(), None)
    return csv_text(RUN_COLUMNS, listed.to_dict("records"))


def csv_text(names: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """Return rows as CSV, nothing in them a formula to a spreadsheet."""
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _inert(value) for name, value in row.items()})
    return text.getvalue()


def _inert(value: Any) -> Any:
    """Put an apostrophe before text that a spreadsheet would take for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@")) else value


_IN_JSON_ALONE = ("raw_rate", "raw_excess")
CSV_COLUMNS = [name for column in COLUMNS for name in column.fields if name not in _IN_JSON_ALONE]


def _flat(row: Row) -> dict[str, Any]:
    values = numbers(row)
    values |= {"failures": failures(values["failures"]), "identical": "; ".join(values["identical"])}
    return {name: values[name] for name in CSV_COLUMNS}


def markdown_table(titles: Sequence[str], rows: Iterable[Sequence[str]], left: Sequence[bool] = ()) -> str:
    """Return a Markdown table of cells that are Markdown already; columns not `left` are flush right."""
    rules = ["---:" if n < len(left) and not left[n] else "---" for n in range(len(titles))]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (titles, rules, *rows))


def escaped(text: str) -> str:
    """Escape what Markdown or HTML would act on, and keep it on one line; a name is anybody's text."""
    return re.sub(r"([\\`*_\[\]<>|#&~$])", r"\\\1", " ".join(text.split()))


def ranking_markdown(table: Table, brief: bool = False) -> str:
    """Return the rows of a table as Markdown; the eight brief columns alone if that is asked."""
    columns = visible_columns(table, brief)
    rows = ([escaped(column.text(row)) for column in columns] for row in table.rows)
    titles = [escaped(column.heading) for column in columns]
    return markdown_table(titles, rows, [not column.numeric for column in columns])


def _markdown_section(table: Table) -> str:
    listed = "".join(f"- {escaped(note)}\n" for note in notes(table))
    return f"## {escaped(table.runs.name)}\n\n{ranking_markdown(table)}\n{listed}"


def _tabular(table: Table) -> str:
    comments = "".join(f"% {' '.join(line.split())}\n" for line in (table.runs.name, *notes(table)))
    columns = visible_columns(table)
    sides = "".join("r" if column.numeric else "l" for column in columns)
    titles = _latex_row(column.heading for column in columns)
    rows = "".join(_latex_row(column.text(row) for column in columns) for row in table.rows)
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
    runs = table.runs
    return {
        "suite": runs.name,
        "instances": len(runs.instances),
        "libraries": len(set(runs.libraries)) or None,
        "cannot_tell": [words for name, words in QUESTIONS.items() if name not in table.questions],
        "protocol": runs.protocol.model_dump(mode="json"),
        "protocol_sha256": runs.protocol_sha256,
        "rows": [numbers(row) for row in table.rows],
        "notes": list(notes(table)),
    }


def contrasts_markdown(found: Sequence[Contrast], base: str) -> str:
    """Return the contrasts as a Markdown table."""
    titles = (
        "suite", "instances", "proven", "solvers", "least mean gap", "largest mean gap",
        f"pairs in another order than on {base}",
    )  # fmt: skip
    rows = [
        (
            escaped(one.suite), str(one.instances), str(one.proven), str(one.solvers),
            _named(one.best), _named(one.worst), _swapped(one),
        )
        for one in found
    ]  # fmt: skip
    return markdown_table(titles, rows, left=[True, False, False, False, True, True, True])


def _named(gap: tuple[str, float]) -> str:
    return f"{escaped(gap[0])}, {gap[1] + 0.0:.2%}"


def _swapped(one: Contrast) -> str:
    listed = "; ".join(f"{escaped(better)} before {escaped(worse)}" for better, worse in one.swapped)
    return f"{len(one.swapped)} of {one.pairs}" + (f": {listed}" if listed else "")


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
