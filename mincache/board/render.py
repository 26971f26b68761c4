"""One table, several renderings: Markdown, LaTeX, JSON and CSV; its notes; and the board's `README.md`."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

from mincache.board.columns import NOTHING, duration, failures, numbers, visible_columns
from mincache.board.comparison import Told, bests
from mincache.board.entries import COVERED, write_file
from mincache.board.runs import Runs
from mincache.board.table import NOMINAL_S, QUESTIONS, Table
from mincache.files.spreadsheets import csv_text, inert
from mincache.generation.recipes import RELATIVE_TOLERANCE

PAGE_FILE = "README.md"
RUN_COLUMNS = ["solver", "instance", "seed", "repetition", "outcome", "cost", "gap", "solve_s", "answer_s",
               "hit_ratio", "bound", "limit_s", "reference_s", "started", "solution", "reason"]  # fmt: skip
"""What is told of every run."""
_NAMED = 3
_IN_JSON_ALONE = ("raw_rate", "raw_excess")
_HEAD = """\
# Leaderboard

Every number here is computed from the records and solutions in this folder, and every stored solution
has been scored by the evaluator: `mincache leaderboard verify` scores them again, checks every hash and
rebuilds this page. Costs are eq. (11), lower is better; the gap is (cost - best known) / best known.
`mincache leaderboard table leaderboard --suite NAME` has every column.
"""
_LATEX = {c: f"\\{c}" for c in "&%$#_{}"} | {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "[": "{[}", "]": "{]}",
}  # fmt: skip
"""What LaTeX would act on; a bracket at the start of a row would be an option of the row before."""


def markdown(tables: Sequence[Table]) -> str:
    """Return the tables as Markdown, each under a heading."""
    return "\n".join(map(_section, tables))


def latex(tables: Sequence[Table]) -> str:
    """Return the tables as LaTeX for the package booktabs, each a `tabular` with its notes as comments."""
    return "\n".join(map(_tabular, tables))


def as_json(tables: Sequence[Table]) -> str:
    """Return the tables as JSON, all digits kept."""
    found = [
        {
            "suite": table.runs.name, "instances": len(table.runs.instances),
            "libraries": len(set(table.runs.libraries)) or None,
            "cannot_tell": [words for name, words in QUESTIONS.items() if name not in table.questions],
            "public_suite": table.unseen and table.unseen.public,
            "sealed_suite": table.unseen and table.unseen.sealed,
            "protocol": table.runs.protocol.model_dump(mode="json"),
            "protocol_sha256": table.runs.protocol_sha256,
            "rows": [numbers(row) for row in table.rows], "bests": bests(table), "notes": list(notes(table)),
        }
        for table in tables
    ]  # fmt: skip
    return json.dumps({"tables": found}, indent=1, allow_nan=False) + "\n"


def as_csv(tables: Sequence[Table]) -> str:
    """Return the rows of the tables as CSV, all digits kept, the suite in the first column."""
    rows = [
        {"suite": table.runs.name, **numbers(row), "protocol_sha256": table.runs.protocol_sha256}
        for table in tables
        for row in table.rows
    ]
    for row in rows:
        row |= {"failures": failures(row["failures"]), "identical": "; ".join(row["identical"])}
    return csv_text(rows, [name for name in rows[0] if name not in _IN_JSON_ALONE])


def runs_csv(runs: Runs) -> str:
    """Return every run as CSV, a row each."""
    solvers = [runs.labels[who] for who in runs.contenders]
    frame = runs.frame.assign(
        solver=runs.frame["row"].map(solvers.__getitem__),
        instance=runs.frame["instance"].map(runs.instances.__getitem__),
    )
    texts = {name: frame[name].map(inert) for name in RUN_COLUMNS if frame[name].dtype == object}
    return str(frame.assign(**texts)[RUN_COLUMNS].to_csv(index=False, lineterminator="\n"))


def markdown_table(titles: Sequence[str], rows: Iterable[Sequence[str]], left: Sequence[bool] = ()) -> str:
    """Return a Markdown table of cells that are Markdown already; columns not `left` are flush right."""
    rules = ["---:" if n < len(left) and not left[n] else "---" for n in range(len(titles))]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (titles, rules, *rows))


def escaped(text: str) -> str:
    """Escape what Markdown or HTML would act on, and keep it on one line; a name is anybody's text."""
    return re.sub(r"([\\`*_\[\]<>|#&~$])", r"\\\1", " ".join(text.split()))


def _section(table: Table, brief: bool = False) -> str:
    """A table as Markdown under its heading; the eight brief columns alone if that is asked."""
    columns = visible_columns(table, brief)
    rows = ([escaped(column.text(row)) for column in columns] for row in table.rows)
    titles = [escaped(column.heading) for column in columns]
    ranking = markdown_table(titles, rows, [not column.numeric for column in columns])
    listed = "".join(f"- {escaped(note)}\n" for note in notes(table))
    return f"## {escaped(table.runs.name)}\n\n{ranking}\n{listed}"


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


def contrasts_markdown(found: Sequence[Told], base: str) -> str:
    """Return the contrasts as a Markdown table."""
    titles = ("suite", "instances", "proven", "solvers", "least mean gap", "largest mean gap",
              f"pairs in another order than on {base}")  # fmt: skip
    rows = []
    for one in found:
        swapped = "; ".join(f"{escaped(better)} before {escaped(worse)}" for better, worse in one["swapped"])
        counts = [str(one[name]) for name in ("instances", "proven", "solvers")]
        ends = [f"{escaped(solver)}, {gap + 0.0:.2%}" for solver, gap in (one["best"], one["worst"])]
        changed = f"{len(one['swapped'])} of {one['pairs']}" + (f": {swapped}" if swapped else "")
        rows.append((escaped(one["suite"]), *counts, *ends, changed))
    return markdown_table(titles, rows, left=[True, False, False, False, True, True, True])


def chart_file(suite: str) -> str:
    """Return the name of a suite's chart, beside the page."""
    return f"{suite}.svg"


def page(tables: Sequence[Table], board: Path) -> str:
    """Return the page of a board: for each suite its table, its chart if there is one, and its entries."""
    sections = [_HEAD]
    for table in sorted(tables, key=lambda table: (table.runs.name != "paper-v1", table.runs.name)):
        sections.append(_section(table, brief=True))
        chart = chart_file(table.runs.name)
        if (board / chart).is_file():
            alt = "Gap to the best known cost on each instance of {}, a line of points a solver"
            sections.append(f"![{escaped(alt.format(table.runs.name))}]({chart})\n")
        sections.append(_entries(table))
    covered = markdown_table(("what", "what verifying covers, and what it cannot"), COVERED.items())
    return "\n".join([*sections, f"## What verifying covers\n\n{covered}"])


def write_page(board: Path, tables: Sequence[Table]) -> Path:
    """Write the page of a board, with the ranking of each suite, and return its path."""
    path = board / PAGE_FILE
    write_file(path, page(tables, board).encode())
    return path


def _entries(table: Table) -> str:
    titles = ("entry", "tier", "authors", "machine", "mincache", "date", "records", "solutions")
    published = [(row, row.entry) for row in table.rows if row.entry is not None]
    rows = []
    for row, entry in published:
        said, name = entry.manifest, entry.folder.name
        authors = escaped(", ".join(said.authors)) or NOTHING
        facts = (row.tier, authors, escaped(row.machine), escaped(row.version), row.date)
        counts = str(said.records.lines), str(said.solutions.lines)
        rows.append((f"[{escaped(name)}]({entry.name})", *facts, *counts))
    reviews = (f"{entry.folder.name} is {one}" for _, entry in published for one in entry.reviews.values())
    return markdown_table(titles, rows) + "".join(f"\n- {escaped(review)}\n" for review in reviews)


def notes(table: Table) -> tuple[str, ...]:
    """Return the notes of a table, a sentence each, and its remarks."""
    parts = (_ranking(table), _references(table), _unseen(table), _runs(table), _news(table.runs),
             table.remarks)  # fmt: skip
    return tuple(chain.from_iterable(parts))


def _ranking(table: Table) -> Iterator[str]:
    runs, whole = table.runs, len(table.runs.instances)
    yield f"Means are over all {whole} instances; {len(table.ranked)} of {len(table.rows)} rows are ranked."
    yield from (f"{row.solver} is not ranked: {row.unranked}." for row in table.rows if row.unranked)
    if table.filtered:
        yield "A part of the suite was chosen after looking: it has points, no ranges."
    if "here" not in table.questions:
        return
    yield f"With {runs.protocol.level:.0%} confidence all ranges of ranks in a column hold at once."
    if "libraries" not in table.questions:
        count = len(set(runs.libraries))
        known = f"{count} of them" if count else "the suite is not at hand"
        yield f"For new libraries: cannot tell ({known}; at least six are needed)."
    if table.told_apart is not None:
        question, found = table.told_apart
        new = f"{found.units} libraries" if question == "libraries" else "new requests for the same libraries"
        yield f"Rows that share a letter could not be told apart ({new}), which does not make them equal."


def _unseen(table: Table) -> Iterator[str]:
    if table.unseen is None:
        return
    public, sealed, rows, why_not = table.unseen
    if why_not:
        yield f"Public and sealed ranks cannot be told: {why_not}."
        return
    count = len(set(map(id, rows.values())))
    yield f"Public ranks are on {public}, sealed ones on {sealed}, of the {count} frozen entries on both."
    fitted = [(row.solver, found) for row in table.rows if (found := rows.get(row.who, {})).get("fitted")]
    for solver, found in fitted:
        gaps = f"{found['sealed_gap']:.2%} on {sealed}, {found['public_gap']:.2%} on {public}"
        yield f"{solver} is fitted to the instances of {public}: its gap is {gaps}."
    late = [row.solver for row in table.rows if row.entry and not row.entry.frozen]
    if late and table.runs.name == sealed:
        yield f"Not frozen before {sealed} was drawn, so without a sealed rank: {', '.join(late)}."


def _references(table: Table) -> Iterator[str]:
    runs, lost = table.runs, table.runs.causal_gap.mean() if "past" in table.levels else math.nan
    known = [runs.references[name] for name in runs.instances if name in runs.references]
    unpinned = sum(not one.pinned for one in known)
    if known and not unpinned:
        proven = sum(one.proven for one in known)
        told = "all proven optimal" if proven == len(known) else f"{proven} of {len(known)} proven optimal"
        yield f"Gaps are to the suite's best known costs ({told})."
    elif known:
        where = "" if unpinned == len(known) else f" on {unpinned} of {len(known)} instances"
        yield f"Gaps are to the best verified cost among these records{where}: the suite states none."
    if math.isfinite(lost):
        yield f"The best policy that sees the past alone is {lost:.2%} above the costs that gaps are to."


def _runs(table: Table) -> Iterator[str]:
    protocol, sha256 = table.runs.protocol, table.runs.protocol_sha256
    limits = [] if protocol.wall_s is None else [f"{protocol.wall_s:g} s"]
    if protocol.evaluations is not None:
        limits.append(f"{protocol.evaluations} evaluations")
    limited = f"{' and '.join(limits)} a run" if limits else "no time limit"
    name = f"Protocol {sha256[:12]}" if sha256 else "Default protocol"
    yield (
        f"{name}: {limited}, {protocol.seeds} seeds of a stochastic solver; times are geometric "
        f"means, shifted by {protocol.time_shift_s:g} s."
    )
    for row in table.rows:
        if failed := len(row.frame) - row.verified:
            part = f", {charged:.2%} of its gap" if (charged := row.mean("charged_gap")) else ""
            yield (
                f"{row.solver} failed or declined {failed} of {len(row.frame)} runs; each counts as caching "
                f"nothing and as {protocol.penalty:g} time limits{part}."
            )
    for row in table.rows:
        if pickled := sorted(set().union(*row.frame["pickled"])):
            yield f"{row.solver} reads pickles, which may run any code ({', '.join(pickled)})."
    if unequal := table.unequal_machines:
        listed = ", ".join(f"{name} {factor:.1f} times" for name, factor in unequal.items())
        yield (
            f"Times are of unequal machines: a fixed computation took, against the usual time, {listed}. "
            f"Scaled times are those of a machine where it takes {duration(NOMINAL_S)}."
        )


def _news(runs: Runs) -> Iterator[str]:
    best = runs.frame[runs.frame["verified"]].groupby("instance")["cost"].min() * (1.0 + RELATIVE_TOLERANCE)
    costs = {runs.instances[n]: cost for n, cost in best.items()}
    known = {name: one for name in costs if (one := runs.references.get(name)) is not None and one.pinned}
    if better := [name for name, one in known.items() if costs[name] < one.cost]:
        yield f"A verified cost is below the best known on {_listed(better)}; the suite's value stands."
    if impossible := [name for name, one in known.items() if one.bound and costs[name] < one.bound]:
        yield f"A verified cost is below a proven bound on {_listed(impossible)}: one of the two is wrong."


def _listed(names: Sequence[str]) -> str:
    rest = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {rest} more" if rest > 0 else "")
