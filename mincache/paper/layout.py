"""How the tables look, in a terminal and in the documentation: each column a title and the text of a cell."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from mincache.paper.findings import FindingRow


class PaperColumn(NamedTuple):
    """One column.

    Attributes:
        title: what stands above it.
        text: its cell in a row.
        numeric: whether it is set flush right.
    """

    title: str
    text: Callable[[FindingRow], str]
    numeric: bool = True


def percent(name: str, title: str, decimals: int = 1) -> PaperColumn:
    """Return the column of a fraction as a percentage, with its interval if it has one."""

    def text(row: FindingRow) -> str:
        if row.get(name) is None:
            return "-"
        value = f"{row[name]:z.{decimals}%}"
        if f"{name}_low" not in row:
            return value
        low, high = (100 * row[f"{name}_{end}"] for end in ("low", "high"))
        return f"{value} [{low:z.{decimals}f}, {high:z.{decimals}f}]"

    return PaperColumn(title, text)


def number(name: str, title: str, decimals: int = 2) -> PaperColumn:
    """Return the column of a number, with its interval if it has one."""

    def text(row: FindingRow) -> str:
        value = f"{row[name]:z.{decimals}f}"
        if f"{name}_low" not in row:
            return value
        return f"{value} [{row[f'{name}_low']:z.{decimals}f}, {row[f'{name}_high']:z.{decimals}f}]"

    return PaperColumn(title, text)


def plain(name: str, title: str = "", numeric: bool = False) -> PaperColumn:
    """Return the column of a value as it is."""
    return PaperColumn(title or name, lambda row: str(row[name]), numeric)


def _absolute(row: FindingRow) -> str:
    decimals = 2 if row["quantity"] == "cost" else 3
    return f"{row['ddpg']:.{decimals}f} against {row['baseline_value']:.{decimals}f}"


_CLAIMS = (
    PaperColumn("DDPG better than", lambda row: f"{row['baseline']}, N = {row['users']}", numeric=False),
    plain("quantity"),
    plain("reading"),
    percent("claimed", "paper", 2),
    percent("ours", "ours [95 %]"),
    PaperColumn("ours, absolute", _absolute),
    percent("ceiling", "ceiling [95 %]"),
    percent("possible_share", "possible in", 0),
    plain("verdict"),
    plain("reason", "why"),
)
_TRENDS = (
    plain("solver"),
    PaperColumn("from", lambda row: f"{row['few']:.{_decimals(row)}f} at N = {row['users_few']}"),
    PaperColumn("to", lambda row: f"{row['many']:.{_decimals(row)}f} at N = {row['users_many']}"),
    PaperColumn("change [95 %]", lambda row: number("change", "", _decimals(row)).text(row)),
    PaperColumn("it grows with N", lambda row: row["verdict"] or "-", numeric=False),
    plain("reason", "why"),
)


def _told(runs: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {verdict}" for verdict, count in runs.items())


def _seconds(row: FindingRow) -> float:
    return float(row["runs_cpu_s"]) + float(row["trainings_cpu_s"])


def _decimals(row: FindingRow) -> int:
    return 2 if row["quantity"] == "cost" else 3


COLUMNS: Mapping[str, Sequence[PaperColumn]] = {
    "fig3": (
        PaperColumn("actor's rate", lambda row: f"{row['learning_rate']:g}"),
        plain("seeds", numeric=True),
        number("reward", "converged reward [95 %]"),
        percent("gap", "gap to the optimum, without exploration [95 %]"),
    ),
    "fig3-references": (plain("solver"), number("reward", "reward")),
    "fig3-verdict": (plain("claim"), plain("rates"), PaperColumn("best", lambda row: f"{row['best_rate']:g}"),
                     plain("verdict"), plain("reason", "why")),
    "fig4": (plain("solver"), plain("users", "N", numeric=True), number("value", "hit ratio [95 %]", 3)),
    "fig5": (plain("solver"), plain("users", "N", numeric=True), number("value", "mean cost [95 %]"),
             percent("gap", "gap to the optimum [95 %]")),
    "fig4-claims": _CLAIMS, "fig5-claims": _CLAIMS, "claims": _CLAIMS,
    "fig4-trends": _TRENDS, "fig5-trends": _TRENDS,
    "facts": (
        plain("users", "N", numeric=True), percent("cloud_beats_rcars", "cloud only beats RCARS in", 0),
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
        plain("users", "N", numeric=True),
        PaperColumn("population x generations", lambda row: f"{row['population']} x {row['generations']}"),
        percent("gap", "gap to the optimum"), percent("below_rcars", "below RCARS"),
        number("hit_ratio", "hit ratio", 3), percent("ceiling", "optimum better by [95 %]"),
        percent("ddpg", "DDPG better by [95 %]"), percent("claimed", "claimed", 2),
    ),
    "decoders": (
        plain("setting"), percent("gap_few", "gap to the optimum at N = 10"),
        percent("gap_many", "at N = 18"),
        percent("below_rcars_few", "below RCARS at N = 10"), percent("below_rcars_many", "at N = 18"),
        number("hit_ratio_few", "hit ratio at N = 10", 3), number("hit_ratio_many", "at N = 18", 3),
        plain("libraries_few", "libraries", numeric=True),
    ),
    "record": (
        plain("command"), PaperColumn("libraries", lambda row: str(row["size"]["libraries"])),
        PaperColumn("of ceilings", lambda row: str(row["size"]["draws"])),
        plain("trainings", numeric=True), PaperColumn("runs", lambda row: _told(row["runs"])),
        PaperColumn("processor minutes", lambda row: f"{_seconds(row) / 60.0:.0f}"),
        PaperColumn("commit", lambda row: str(row["machine"]["commit"])[:12], numeric=False),
    ),
}  # fmt: skip
"""The tables that are shown, by name; the curves of Fig. 3 are written and drawn alone."""


def cells(name: str, rows: Sequence[FindingRow]) -> list[list[str]]:
    """Return the cells of a table, its titles first."""
    columns = COLUMNS[name]
    return [[column.title for column in columns], *([column.text(row) for column in columns] for row in rows)]
