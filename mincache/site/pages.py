"""What the pages of a suite show: its ranking, charts, instances and solvers; templates hold the HTML."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np
import pandas

from mincache.board.columns import duration, numbers, visible_columns
from mincache.board.comparison import pairs, shares
from mincache.board.entries import SOURCE_FOLDER, folder_name
from mincache.board.render import notes
from mincache.board.runs import Runs, nothing_cached
from mincache.board.table import QUESTIONS, Row, Table
from mincache.judging.trace import primal_integral
from mincache.problem import units
from mincache.site import charts, drawing
from mincache.site.charts import Chart
from mincache.site.targets import trace_points

Context = dict[str, Any]
"""What a template is given."""
NARROW = ("rank", "solver", "kind", "gap", "time", "tier")
"""The columns of a ranking that stand on a telephone too."""
_CELL = ["row", "instance"]


class SuitePages:
    """The pages of one suite, from its ranking; paths are from the site's root, `first` has the least gap."""

    def __init__(self, table: Table) -> None:
        self.table, self.runs, self.name, suite = table, table.runs, table.runs.name, table.runs.suite
        self.folder = folder_name(self.name)
        self.path = f"suites/{self.folder}.html"
        self.purpose = "" if suite is None else suite.content.purpose
        self.users = {} if suite is None else {name: entry.users for name, entry in suite.entries.items()}
        self.first = [row for row in table.ranked if row.rank == 1]

    def solver_path(self, row: Row) -> str:
        """Return the path of a solver's page."""
        return f"solvers/{self.folder}/{row.entry.folder.name if row.entry else folder_name(row.solver)}.html"

    def instance_path(self, name: str) -> str:
        """Return the path of an instance's page."""
        return f"instances/{self.folder}/{folder_name(name)}.html"

    @cached_property
    def charts(self) -> dict[str, Chart]:
        """Each chart that has something to draw."""
        drawn = {kind: charts.chart(kind, self.table) for kind in charts.KINDS}
        return {kind: one for kind, one in drawn.items() if one is not None}

    @cached_property
    def cells(self) -> pandas.DataFrame:
        """What pages show of each solver (`row`) on each `instance`, a line for each pair with runs."""
        frame = self.runs.frame
        grouped, good, failed = frame.groupby(_CELL), frame[frame["verified"]], frame[~frame["verified"]]
        best = good.loc[good.groupby(_CELL)["cost"].idxmin()].set_index(_CELL)
        return self.runs.cells.assign(
            runs=grouped.size(), verified=grouped["verified"].sum(),
            median_s=grouped["charged_solve_s"].median(), best=best["cost"], solution=best["solution"],
            failures=failed.groupby(_CELL)["outcome"].agg(lambda kinds: ", ".join(sorted(set(kinds)))),
            integral_s=_integrals(self.runs, good),
        ).dropna(subset="runs")  # fmt: skip

    @cached_property
    def slices(self) -> list[tuple[str, Table, list[Any], str]]:
        """Users, ranking, columns and scope: of all instances, and of those with each number of users."""
        parts = {"": self.table}
        if len(self.runs.by_users) > 1:
            parts |= {str(n): Table(part, filtered=True) for n, part in self.runs.by_users.items()}
        return [
            (users, one, sorted(visible_columns(one), key=lambda c: c.heading not in NARROW), notes(one)[0])
            for users, one in parts.items()
        ]


def _integrals(runs: Runs, good: pandas.DataFrame) -> pandas.Series[float]:
    """Mean primal integrals of verified runs to the references here, to the limit or the longest run."""
    reference = pandas.Series(runs.reference[good["instance"]], good.index).dropna()
    good = good.loc[reference.index]
    limits_s = good["row"].map(lambda row: runs.contenders[row].wall_s).astype(float)
    horizon_s = limits_s.fillna(good.groupby(_CELL)["solve_s"].transform("max"))
    found = [
        primal_integral([point for point in trace if point.cost is not None], cost, end)
        for trace, cost, end in zip(good["trace"], reference, horizon_s, strict=True)
    ]
    return good[_CELL].assign(integral_s=found).groupby(_CELL)["integral_s"].mean()


def contexts(page: SuitePages) -> Iterator[tuple[str, str, Context]]:
    """Yield path, template and context of each page of a suite."""
    runs, table = page.runs, page.table
    yield page.path, "suite", _suite(page)
    compared = {"compared": pairs(table), "shares": shares(table), "questions": QUESTIONS}
    yield f"pairs/{page.folder}.html", "pairs", compared | {"title": f"Solvers of {page.name} in pairs"}
    costs = runs.means("charged_cost")
    best = [
        (name, sorted((costs[row.number, n], row.solver) for row in table.rows if costs[row.number, n] > 0))
        for n, name in enumerate(runs.instances)
    ]
    listed = {"title": f"Instances of {page.name}", "best": best}
    yield f"instances/{page.folder}/index.html", "instances", listed
    grouped = dict(list(page.cells.groupby(level="instance")))
    for n, name in enumerate(runs.instances):
        found = grouped[n].droplevel("instance") if n in grouped else page.cells.iloc[:0]
        yield page.instance_path(name), "instance", {"title": name} | _instance(page, name, found)
    for row in sorted(table.rows, key=lambda row: row.number):
        yield page.solver_path(row), "solver", _solver(page, row, page.cells.loc[row.number])
    for kind, chart in page.charts.items():
        yield f"charts/{page.folder}-{kind}.html", "chart", {"title": chart.title, "chart": chart}


def _suite(page: SuitePages) -> Context:
    rows = page.table.rows
    choices = [
        ("users", "users N", [users for users, *_ in page.slices if users]),
        ("kind", "kind", sorted({row.kind for row in rows} - {""})),
        ("tier", "tier", sorted({row.tier for row in rows} - {""})),
    ]
    return {
        "title": page.name, "lede": page.purpose, "slices": page.slices, "choices": choices,
        "notes": notes(page.table)[1:], "narrow": NARROW, "solved": charts.solved(page.table),
        "drawn": [(kind, one, _inline(page, kind, one, page.name)) for kind, one in page.charts.items()],
        "stability": stability(page.table),
    }  # fmt: skip


def _inline(page: SuitePages, name: str, chart: Chart, of: str) -> str:
    return drawing.inline(chart.specification, f"{page.folder}-{name}", f"{chart.title}. {of}.")


def _instance(page: SuitePages, name: str, found: pandas.DataFrame) -> Context:
    """The context of an instance's page: its solvers by mean cost, and what users can ask for."""
    runs = page.runs
    rows = {row.number: row for row in page.table.rows}
    solvers = [(rows[number], cell) for number, cell in found.iterrows()]
    solvers.sort(key=lambda one: (np.isnan(one[1].charged_cost), one[1].charged_cost, one[0].solver))
    context: Context = {"known": runs.references.get(name), "solvers": solvers, "instance": None}
    if runs.suite is None:
        return context
    instance = runs.suite.read(name)
    models, requests = instance.models, instance.trace.requested_model.ravel()
    asked = np.bincount(requests, minlength=instance.model_count) / requests.size
    output_mb = models.output_bits / units.BITS_PER_MEGABYTE
    columns = (models.size_gb, asked, output_mb, models.steps_onset, models.tv_worst, models.steps_saturation,
               models.tv_best, models.seconds_per_step, models.seconds_base)  # fmt: skip
    listed = {"listed": runs.suite.entries[name], "models": np.stack(columns).T.tolist()}
    return context | {"instance": instance} | listed


def _solver(page: SuitePages, row: Row, found: pandas.DataFrame) -> Context:
    drawn = [
        (kind, chart, _inline(page, f"{row.number}-{kind}", chart, row.solver))
        for kind, chart in charts.solver_charts(row).items()
    ]
    said = None if row.entry is None else row.entry.manifest
    training = "" if said is None or said.training_s is None else duration(said.training_s)
    if said is not None and training and said.training_device:
        training += f" on {said.training_device}"
    return {
        "title": row.solver, "row": row, "numbers": numbers, "training": training, "drawn": drawn,
        "sources": sorted(p.name for p in row.entry.folder.glob(f"{SOURCE_FOLDER}/*")) if row.entry else [],
        "instances": [(page.runs.instances[n], cell) for n, cell in found.iterrows()],
        "failed": list(row.frame[~row.frame["verified"]].itertuples()),
    }  # fmt: skip


def stability(table: Table) -> dict[str, pandas.DataFrame]:
    """Return mean gaps of all rows by time limit, number of users and library: points, no ranges."""
    runs, frame = table.runs, table.runs.frame
    if runs.suite is None or not charts.solved(table):
        return {}
    wall_s = runs.protocol.wall_s
    limits = [*(s for s in (1e-3, 1e-2, 1e-1, 1.0, 10.0) if wall_s is None or s < wall_s)]
    reference = runs.reference[frame["instance"]]
    fallback = nothing_cached(runs.suite, runs.instances)[frame["instance"]]
    run, when, reached = trace_points(frame)
    by_limit = {}
    for seconds in [*limits, *([wall_s] if wall_s is not None else [])]:
        costs = fallback.copy()
        np.minimum.at(costs, run[when <= seconds], reached[when <= seconds])
        gaps = frame[_CELL].assign(gap=(costs - reference) / reference)
        means = gaps.groupby(_CELL)["gap"].mean(skipna=False).groupby("row").mean()
        by_limit[f"{seconds * 1e3:g} ms" if seconds < 1 else f"{seconds:g} s"] = means
    by_users = {f"N = {n}": gaps for n, gaps in runs.gaps_by(runs.users).items()}
    by_library = {f"library {n}": gaps for n, gaps in runs.gaps_by(runs.libraries).items()}
    found = {"time limit": by_limit, "number of users": by_users, "library": by_library}
    return {what: pandas.DataFrame(columns) for what, columns in found.items() if len(columns) > 1}
