"""What a reproduction writes: numbers as JSON and CSV, figures as SVG and PNG; and how its tables look."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

from mincache.errors import InputError, in_file, line_of
from mincache.files.documents import parse_json, read_bytes, write_bytes
from mincache.files.paths import make_folder
from mincache.files.spreadsheets import csv_text
from mincache.files.tables import StrictTable, validated

FORMAT: Literal["mincache-paper/1"] = "mincache-paper/1"
FindingRow = dict[str, Any]
"""One row of a table: texts, numbers or None by column."""


@dataclass(frozen=True)
class Findings:
    """What came of one study: charts are Vega-Lite, runs a line for each run and training by campaign."""

    study: str
    tables: Mapping[str, Sequence[FindingRow]]
    charts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    record: Mapping[str, Any] = field(default_factory=dict)
    runs: Mapping[str, Sequence[FindingRow]] = field(default_factory=dict)


class _Document(StrictTable):
    format: Literal["mincache-paper/1"] = FORMAT
    what: str
    record: dict[str, Any]
    tables: dict[str, list[FindingRow]]


def write(folder: Path, found: Findings) -> list[Path]:
    """Write everything into a folder, and return the files."""
    from mincache.site import drawing

    document = {"format": FORMAT, "what": found.study, "record": found.record, "tables": found.tables}
    files = {f"{found.study}.json": (json.dumps(rounded_numbers(document), indent=1) + "\n").encode()}
    files |= {f"{name}.csv": as_csv(rows) for name, rows in found.tables.items()}
    files |= {f"runs/{name}.csv": as_csv(rows) for name, rows in found.runs.items()}
    for name, chart in found.charts.items():
        files |= {f"{name}.svg": drawing.svg(chart), f"{name}.png": drawing.png(chart)}
    make_folder(folder / "runs")
    for name, data in files.items():
        write_bytes(folder / name, data)
    return [folder / name for name in files]


def read(folder: Path, study: str) -> Findings:
    """Return what was written, without its charts."""
    path = folder / f"{study}.json"
    if not path.is_file():
        raise InputError("output", f"must hold {path.name}", str(folder), f"run: mincache reproduce {study}")
    with in_file(path):
        document = validated(_Document, parse_json(read_bytes(path)))
        try:
            for name in COLUMNS.keys() & document.tables.keys():
                cells(name, document.tables[name])
        except (LookupError, TypeError, ValueError) as error:
            rule, advice = "must hold what reproduce writes", "leave out --show to write it again"
            raise InputError(f"tables.{name}", rule, line_of(error), advice) from None
    return Findings(study, document.tables, record=document.record)


def as_csv(rows: Sequence[FindingRow]) -> bytes:
    """Return rows as CSV; a column that any row has."""
    return csv_text(rounded_numbers(list(rows))).encode()


def rounded_numbers(value: Any) -> Any:
    """Return a JSON value with every number to 6 significant digits."""
    return json.loads(json.dumps(value), parse_float=lambda text: float(f"{float(text):.6g}"))


class PaperColumn(NamedTuple):
    """One column of a table, in a terminal and in the documentation."""

    title: str
    text: Callable[[FindingRow], str]
    numeric: bool = True


def number(name: str, title: str, decimals: int = 2, unit: str = "") -> PaperColumn:
    """Return the column of a number, with its interval if it has one, and - where there is none."""
    factor = 100 if unit == "%" else 1

    def text(row: FindingRow) -> str:
        if row.get(name) is None:
            return "-"
        keys = [key for key in (name, f"{name}_low", f"{name}_high") if key in row]
        value, *ends = (f"{factor * row[key]:z.{decimals}f}" for key in keys)
        return f"{value}{unit} [{', '.join(ends)}]" if ends else f"{value}{unit}"

    return PaperColumn(title, text)


def percent(name: str, title: str, decimals: int = 1) -> PaperColumn:
    """Return the column of a fraction as a percentage."""
    return number(name, title, decimals, "%")


def plain(name: str, title: str = "", numeric: bool = False) -> PaperColumn:
    """Return the column of a value as it is."""
    return PaperColumn(title or name, lambda row: str(row[name]), numeric)


def _decimals(row: FindingRow) -> int:
    return 2 if row["quantity"] == "cost" else 3


def _absolute(row: FindingRow) -> str:
    return f"{row['ddpg']:.{_decimals(row)}f} against {row['baseline_value']:.{_decimals(row)}f}"


_USERS = plain("users", "N", numeric=True)
_WHY = plain("reason", "why")
_CLAIMS = (
    PaperColumn("DDPG better than", lambda row: f"{row['baseline']}, N = {row['users']}", numeric=False),
    plain("quantity"), plain("reading"), percent("claimed", "paper", 2), percent("ours", "ours [95 %]"),
    PaperColumn("ours, absolute", _absolute), percent("ceiling", "ceiling [95 %]"),
    percent("possible_share", "possible in", 0), plain("verdict"), _WHY,
)  # fmt: skip
_TRENDS = (
    plain("solver"),
    PaperColumn("from", lambda row: f"{row['few']:.{_decimals(row)}f} at N = {row['users_few']}"),
    PaperColumn("to", lambda row: f"{row['many']:.{_decimals(row)}f} at N = {row['users_many']}"),
    PaperColumn("change [95 %]", lambda row: number("change", "", _decimals(row)).text(row)),
    PaperColumn("it grows with N", lambda row: row["verdict"] or "-", numeric=False),
    _WHY,
)
COLUMNS: Mapping[str, Sequence[PaperColumn]] = {
    "fig3": (
        PaperColumn("actor's rate", lambda row: f"{row['learning_rate']:g}"), plain("seeds", numeric=True),
        number("reward", "converged reward [95 %]"),
        percent("gap", "gap to the optimum, without exploration [95 %]"),
    ),
    "fig3-references": (plain("solver"), number("reward", "reward")),
    "fig3-verdict": (plain("claim"), plain("rates"), PaperColumn("best", lambda row: f"{row['best_rate']:g}"),
                     plain("verdict"), _WHY),
    "fig4": (plain("solver"), _USERS, number("value", "hit ratio [95 %]", 3)),
    "fig5": (plain("solver"), _USERS, number("value", "mean cost [95 %]"),
             percent("gap", "gap to the optimum [95 %]")),
    "fig4-claims": _CLAIMS, "fig5-claims": _CLAIMS, "claims": _CLAIMS,
    "fig4-trends": _TRENDS, "fig5-trends": _TRENDS,
    "facts": (
        _USERS, percent("cloud_beats_rcars", "cloud only beats RCARS in", 0),
        percent("optimum_below_cloud", "optimum below cloud only [95 %]"),
        percent("equal_bandwidth", "equal bandwidth costs [95 %]", 2),
        percent("low_steps", "hits at most at A1, at the optimum [95 %]"),
        number("rcars_hits", "hit ratio of RCARS [95 %]", 3), number("optimum_hits", "of the optimum", 3),
        number("most_hits", "most that storage allows", 3), plain("libraries", numeric=True),
    ),
    "dependence": (
        plain("setting"), percent("ceiling_few", "optimum below RCARS at N = 10 [95 %]"),
        percent("ceiling_many", "at N = 18 [95 %]"),
        percent("possible_few", "30.19 % possible at N = 10 in", 0),
        percent("possible_many", "30.21 % at N = 18 in", 0), percent("possible_both", "both in", 0),
        plain("libraries", "of libraries", numeric=True),
    ),
    "budgets": (
        _USERS,
        PaperColumn("population x generations", lambda row: f"{row['population']} x {row['generations']}"),
        percent("gap", "gap to the optimum"), percent("below_rcars", "below RCARS"),
        number("hit_ratio", "hit ratio", 3), percent("ceiling", "optimum better by [95 %]"),
        percent("ddpg", "DDPG better by [95 %]"), percent("claimed", "claimed", 2),
    ),
    "decoders": (
        plain("setting"),
        percent("gap_few", "gap to the optimum at N = 10"), percent("gap_many", "gap at N = 18"),
        percent("below_rcars_few", "below RCARS at N = 10"),
        percent("below_rcars_many", "below RCARS at N = 18"),
        number("hit_ratio_few", "hit ratio at N = 10", 3),
        number("hit_ratio_many", "hit ratio at N = 18", 3),
        plain("libraries_few", "libraries", numeric=True),
    ),
    "record": (
        plain("command"), PaperColumn("libraries", lambda row: str(row["size"]["libraries"])),
        PaperColumn("of ceilings", lambda row: str(row["size"]["draws"])),
        plain("trainings", numeric=True),
        PaperColumn("runs", lambda row: ", ".join(f"{n} {verdict}" for verdict, n in row["runs"].items())),
        PaperColumn(
            "processor minutes", lambda row: f"{(row['runs_cpu_s'] + row['trainings_cpu_s']) / 60.0:.0f}"
        ),
        PaperColumn("commit", lambda row: str(row["machine"]["commit"])[:12], numeric=False),
    ),
}  # fmt: skip
"""The tables that are shown, by name; the curves of Fig. 3 are written and drawn alone."""


def cells(name: str, rows: Sequence[FindingRow]) -> list[list[str]]:
    """Return the cells of a table, its titles first."""
    columns = COLUMNS[name]
    return [[column.title for column in columns], *([column.text(row) for column in columns] for row in rows)]
