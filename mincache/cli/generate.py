"""`mincache generate`."""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

import mincache
from mincache.analysis import separation
from mincache.bench import executors, plan, supervisor
from mincache.bench import limits as bench_limits
from mincache.cli import describe, options
from mincache.cli.completion import SOLVER_PAIR, TWO_SOLVERS
from mincache.cli.terminal import Bars, TerminalTable, answer, resumable, say, show, tracked
from mincache.errors import InputError, excerpt, in_file
from mincache.files import documents, tables
from mincache.generation import recipes, suite_writing, suites, sweeps
from mincache.solving import entrant as entrants


def _two_solvers(ctx: click.Context, param: click.Parameter, text: str | None) -> tuple[str, str] | None:
    if text is None:
        return None
    found = SOLVER_PAIR.fullmatch(text)
    if found is None:
        raise click.BadParameter(f"must be two solvers with a comma between; received {excerpt(text)}")
    return found[1], found[2]


@click.command()
@click.argument("scenario", required=False, type=options.FILE)
@options.USERS
@click.option("--libraries", type=options.COUNT, default=1, help="Model libraries to draw.")
@click.option("--traces", type=options.COUNT, default=1, help="Traces for each library and N.")
@click.option("--common-users", is_flag=True,
              help="The N users of an instance are the first of those of the largest N.")  # fmt: skip
@click.option("--seed", type=options.SEED, help="Seed of the traces and the libraries.  [required]")
@click.option("--library-seed", type=options.SEED, help="Seed of the libraries.  [default: --seed]")
@options.SUITE_NAME
@options.PURPOSE
@options.KEPT
@options.folder_output("Folder for the suite.  [required]", default=None)
@click.option("--preview", is_flag=True, help="Show the first instance, and write no suite.")
@click.option("--picture", type=options.PICTURE, help="With --preview: draw its requests and channels.")
@click.option("--separate", type=TWO_SOLVERS, callback=_two_solvers,
              help="Search for the settings in which two solvers differ most, and draw those.")  # fmt: skip
@click.option("--budget", type=click.IntRange(min=5), default=100,
              help="With --separate: number of settings to try.")  # fmt: skip
@click.option("--time-limit", type=options.SECONDS, default=math.inf,
              help="With --separate: try no further setting after this time.")  # fmt: skip
@click.option("--solve-limit", type=options.SECONDS, default=10.0,
              help="With --separate: time of a solver on an instance.")  # fmt: skip
@click.option("--keep", type=options.COUNT, default=5, help="With --separate: number of settings to draw.")
@options.machine_output("an object")
def generate(
    scenario: Path | None, users: tuple[int, ...] | None, libraries: int, traces: int, common_users: bool,
    seed: int | None, library_seed: int | None, name: str | None, purpose: str, kept: Any,
    output: Path | None, preview: bool, picture: Path | None, separate: tuple[str, str] | None, keep: int,
    budget: int, time_limit: float, solve_limit: float,
) -> None:  # fmt: skip
    """Draw a suite from a scenario FILE (TOML); it names what differs from Table I of the paper.

    A table [sweep] in FILE names the fields that vary: a list takes every value, a range {low = .., high =
    ..} draws one value an instance. With --separate, the lists and ranges are searched; the solvers run as
    in `mincache run`.
    """
    source = sweeps.ScenarioFile() if scenario is None else sweeps.read_scenario(scenario)
    fields = {
        "library_seed": (seed or 0) if library_seed is None else library_seed, "trace_seed": seed or 0,
        "libraries": libraries, "users": users or users_of(source), "traces": traces,
    }  # fmt: skip
    context = click.get_current_context()
    needs = {
        "picture": "preview",
        **dict.fromkeys(("budget", "time_limit", "solve_limit", "keep"), "separate"),
    }
    for option, needed in needs.items():
        typed = context.get_parameter_source(option) is ParameterSource.COMMANDLINE
        if typed and not context.params[needed]:
            raise click.UsageError(f"--{option.replace('_', '-')}: must come with --{needed}")
    if preview:
        one = {"libraries": 1, "traces": 1, "sweep": source.sweep}
        _show_first(source, tables.validated(recipes.Recipe, fields | one), picture)
        return
    if seed is None or output is None:
        raise click.UsageError(f"{'--output' if output is None else '--seed'}: must be given")
    title = options.suite_name(output, name)
    drawn: dict[str, Any] = {"sweep": source.sweep}
    if separate is not None:
        suite_writing.check_free(output)
        limits = {"budget": budget, "time_limit_s": time_limit, "solve_limit_s": solve_limit}
        drawn, told = _search(separate, tables.validated(recipes.Recipe, fields), source, keep, limits)
        purpose = purpose or told
    recipe = tables.validated(recipes.Recipe, fields | drawn | {"common_users": common_users or None})
    with in_file(scenario) if scenario is not None else contextlib.nullcontext(), resumable():
        suite = suite_writing.generate(
            output, title, recipe, source.scenario, purpose, kept,
            lambda places: tracked(places, "drawing", total=len(places)),
        )  # fmt: skip
    told = f"{len(suite.entries)} instances in {output}, listed in {output / suites.RECIPE_FILE}"
    answer({"suite": title, "folder": str(output), "instances": list(suite.entries)}, told)


def _show_first(source: sweeps.ScenarioFile, recipe: recipes.Recipe, picture: Path | None) -> None:
    """Show the first instance that a scenario draws, and what became of its log."""
    place = next(recipes.places("preview", recipe, source.scenario))
    instance = place.instance()
    shown = [*describe.log_tables(place.scenario), *describe.instance_tables(instance)]
    answer(describe.instance_rows(instance), *shown)
    if picture is not None:
        options.prepare(picture)
        instance.plot().save(picture)
        say(f"picture in {picture}", err=True)


def users_of(source: sweeps.ScenarioFile) -> tuple[int, ...]:
    """Return the numbers of users of the cases, if each names its own; else the scenario's."""
    cases = source.sweep.cases if source.sweep is not None else ()
    named = [case["users"] for case in cases if "users" in case]
    return tuple(dict.fromkeys(named)) if named and len(named) == len(cases) else (source.users,)


def _search(
    solvers: tuple[str, str], recipe: recipes.Recipe, source: sweeps.ScenarioFile, keep: int,
    limits: dict[str, Any],
) -> tuple[dict[str, Any], str]:  # fmt: skip
    """Return the settings in which two solvers differ most, and how they were found; show a table."""
    space, count = separation.space_of(source.sweep), itertools.count(1)
    solve_limit_s = limits.pop("solve_limit_s")
    with Bars() as bars, supervisor.Supervisor(pin=False) as keeper:
        one, other = (_price(solver, solve_limit_s, recipe.trace_seed, keeper) for solver in solvers)
        points = separation.separate(
            (one, other), recipe, source.scenario, space, **limits,
            show=lambda point: bars.show("searching", next(count), limits["budget"]),
        )  # fmt: skip
    kept, both = separation.most_different(points, keep), " and ".join(solvers)
    if not kept:
        answered = any(not math.isnan(point.difference) for point in points)
        told = f"{both} {'differ in' if answered else 'both answer'} none of {len(points)} settings tried"
        raise click.ClickException(f"{told}; no suite was written")
    show(_separation_table(solvers, kept, points, space))
    told = f"Settings in which {both} differ most, by up to {kept[0].size:.2%}"
    search = {"solvers": solvers, "space": dict(space), "settings": len(points)}
    search["solve_limit_s"] = solve_limit_s
    return {"sweep": sweeps.Sweep(cases=tuple(one.fields for one in kept)), "search": search}, told


def _price(solver: str, limit_s: float, seed: int, keeper: supervisor.Supervisor) -> separation.Price:
    """Return what prices a solver's answers, each run as in a campaign."""
    limits = bench_limits.Limits(wall_s=limit_s)
    entrant = supervisor.describe(entrants.absolute(solver), keeper, limits)
    if entrant.unknown:
        raise InputError(f"solver {solver}", "must load", entrant.unknown)

    def price(instance: mincache.Instance) -> float:
        document = documents.instance_bytes(instance)
        cell = ("separate", Path(), instance.name, documents.digest(document), entrant, 0, limits, seed)
        record = executors.attempt(plan.task(*cell), document, keeper).record
        cost = record.score.cost if record.passed and record.score is not None else None
        return math.nan if cost is None else cost

    return price


def _separation_table(
    solvers: tuple[str, str], kept: Sequence[separation.Point], points: Sequence[separation.Point],
    space: separation.Space,
) -> TerminalTable:  # fmt: skip
    """Return the settings kept, a column each, and how each field correlates with the difference."""
    both = sum(not math.isnan(point.difference) for point in points)
    title = f"Where they differ most, of {len(points)} settings tried ({both} answered by both)"
    rows = [[solver, *(f"{point.costs[k]:.4g}" for point in kept), ""] for k, solver in enumerate(solvers)]
    rows += [["they differ by", *(f"{point.size:.1%}" for point in kept), ""], []]
    correlations = separation.influences(points, space)
    for field in sorted(space, key=lambda field: -abs(correlations.get(field, 0.0))):
        values = [point.fields[field] for point in kept]
        shown = [f"{value:.4g}" if isinstance(value, float) else str(value) for value in values]
        rows.append([field, *shown, f"{correlations[field]:+.2f}" if field in correlations else "-"])
    caption = "above: mean costs; rank: rank correlation of a field with the difference"
    columns = {"setting": "l", **dict.fromkeys([*map(str, range(len(kept))), "rank"], "r")}
    return TerminalTable(columns, rows, title, caption)
