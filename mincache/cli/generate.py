"""`mincache generate`."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mincache.cli.completion import TWO_SOLVERS
from mincache.cli.options import (
    COUNT,
    FILE,
    KEPT,
    PICTURE,
    SECONDS,
    SEED,
    folder_output,
    machine_output,
    prepare,
    suite_name,
    whole_numbers,
)
from mincache.cli.terminal import answer, tracked
from mincache.errors import InputError, excerpt, in_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mincache.generation.recipes import Place
    from mincache.generation.sweeps import ScenarioFile


def _two_solvers(ctx: click.Context, param: click.Parameter, text: str | None) -> tuple[str, str] | None:
    from mincache.solving.spec import parse

    if text is None:
        return None
    parts, found = text.split(","), []
    for count in range(1, len(parts)):
        first, second = ",".join(parts[:count]), ",".join(parts[count:])
        with contextlib.suppress(InputError):  # the comma stands within a solver's brackets
            parse(first), parse(second)
            found.append((first, second))
    if len(found) != 1:
        raise click.BadParameter(f"must be two solvers with a comma between; received {excerpt(text)}")
    return found[0]


@click.command()
@click.argument("scenario", required=False, type=FILE)
@click.option("--users", callback=whole_numbers, metavar="N,N,...",
              help="Numbers of users.  [default: the scenario's]")  # fmt: skip
@click.option("--libraries", type=COUNT, default=1, show_default=True, help="Model libraries to draw.")
@click.option("--traces", type=COUNT, default=1, show_default=True, help="Traces for each library and N.")
@click.option("--common-users", is_flag=True,
              help="The N users of an instance are the first of those of the largest N.")  # fmt: skip
@click.option("--seed", type=SEED, help="Seed of the traces and the libraries.  [required]")
@click.option("--library-seed", type=SEED, help="Seed of the libraries.  [default: --seed]")
@click.option("--name", help="Name of the suite.  [default: the folder's]")
@click.option("--purpose", default="", metavar="TEXT", help="A line on what the suite is for.")
@KEPT
@folder_output("Folder for the suite.  [required]", default=None)
@click.option("--preview", is_flag=True, help="Show the first instance, and write no suite.")
@click.option("--picture", type=PICTURE, help="With --preview: draw its requests and channels.")
@click.option("--separate", type=TWO_SOLVERS, callback=_two_solvers,
              help="Search for the settings in which two solvers differ most, and draw those.")  # fmt: skip
@click.option("--budget", type=click.IntRange(min=5), default=100, show_default=True,
              help="With --separate: number of settings to try.")  # fmt: skip
@click.option("--time-limit", type=SECONDS, help="With --separate: try no further setting after this time.")
@click.option("--solve-limit", type=SECONDS, default=10.0, show_default=True,
              help="With --separate: time of a solver on an instance.")  # fmt: skip
@click.option("--keep", type=COUNT, default=5, show_default=True,
              help="With --separate: number of settings to draw.")  # fmt: skip
@machine_output("an object")
def generate(
    scenario: Path | None, users: tuple[int, ...] | None, libraries: int, traces: int,
    common_users: bool, seed: int | None,
    library_seed: int | None, name: str | None, purpose: str, kept: Any, output: Path | None,
    form: str | None, preview: bool, picture: Path | None,
    separate: tuple[str, str] | None, budget: int, time_limit: float | None, solve_limit: float, keep: int,
) -> None:  # fmt: skip
    """Draw a suite from a scenario FILE (TOML); it names what differs from Table I of the paper.

    A table [sweep] in FILE names the fields that vary: a list takes every value, a range {low = .., high =
    ..} draws one value an instance. With --separate, the lists and ranges are searched.

    \b
    mincache generate scenario.toml --preview
    mincache generate --users 10,14,18 --libraries 3 --traces 4 --seed 7 -o my-suite
    mincache run my-suite --solver decomposition -o results/my-suite
    mincache generate --separate cloud-only,popular-first --budget 20 --seed 7 -o apart
    """  # noqa: D301  # \b is click's mark for a block to be left as it is
    from mincache.files.tables import validated
    from mincache.generation import suite_writing
    from mincache.generation.recipes import Recipe
    from mincache.generation.suites import RECIPE_FILE
    from mincache.generation.sweeps import ScenarioFile, read_scenario

    source = ScenarioFile() if scenario is None else read_scenario(scenario)
    if preview:
        _show_first(source, users, seed or 0, picture, form)
        return
    if seed is None or output is None:
        raise click.UsageError(f"Missing option '{'-o' if output is None else '--seed'}'.")
    title = suite_name(output, name)
    fields = {
        "library_seed": seed if library_seed is None else library_seed, "trace_seed": seed,
        "libraries": libraries, "users": users or _users(source), "traces": traces,
    }  # fmt: skip
    sweep = source.sweep
    if separate is not None:
        suite_writing.check_free(output)
        from mincache.analysis.separation import space_of
        from mincache.cli.separating import search

        sweep, told = search(
            separate, validated(Recipe, fields), source.scenario, space_of(sweep), keep,
            budget=budget, time_limit_s=time_limit or float("inf"), solve_limit_s=solve_limit,
        )  # fmt: skip
        purpose = purpose or told
    recipe = validated(Recipe, fields | {"sweep": sweep, "common_users": common_users or None})
    with in_file(scenario) if scenario is not None else contextlib.nullcontext():
        try:
            suite = suite_writing.generate(output, title, recipe, source.scenario, purpose, kept, _drawing)
        except KeyboardInterrupt:
            click.echo("The same command goes on from here.", err=True)
            raise
    told = f"{len(suite.entries)} instances in {output}, listed in {output / RECIPE_FILE}"
    answer(form, {"suite": title, "folder": str(output), "instances": list(suite.entries)}, told)


def _show_first(
    source: ScenarioFile, users: tuple[int, ...] | None, seed: int, picture: Path | None, form: str | None
) -> None:
    """Show the first instance that a scenario draws, and what became of its log."""
    from mincache.cli.describe import instance_rows, instance_tables, log_tables
    from mincache.generation.recipes import Recipe, places

    recipe = Recipe(
        library_seed=seed, trace_seed=seed, libraries=1, traces=1, users=users or _users(source),
        sweep=source.sweep,
    )  # fmt: skip
    place = next(places("preview", recipe, source.scenario))
    instance = place.instance()
    answer(form, instance_rows(instance), *log_tables(place.scenario), *instance_tables(instance))
    if picture is not None:
        prepare(picture)
        instance.plot().save(picture)
        click.echo(f"picture in {picture}", err=True)


def _drawing(places: Sequence[Place]) -> Iterable[Place]:
    return tracked(places, "drawing", total=len(places))


def _users(source: ScenarioFile) -> tuple[int, ...]:
    """Return the numbers of users of the cases, if each names its own; else the scenario's."""
    cases = source.sweep.cases if source.sweep is not None else ()
    named = [case["users"] for case in cases if "users" in case]
    return tuple(dict.fromkeys(named)) if named and len(named) == len(cases) else (source.users,)
