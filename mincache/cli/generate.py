"""`mincache generate`."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mincache.cli.options import COUNT, SECONDS
from mincache.cli.terminal import tracked

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mincache.generation.recipes import Place, ScenarioFile


def _whole_numbers(ctx: click.Context, param: click.Parameter, text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    try:
        numbers = tuple(int(part) for part in text.split(","))
    except ValueError:
        raise click.BadParameter(f"must be whole numbers with commas between, received {text!r}") from None
    if min(numbers) < 1:
        raise click.BadParameter(f"must be at least 1, received {min(numbers)}")
    return numbers


def _two_solvers(ctx: click.Context, param: click.Parameter, text: str | None) -> tuple[str, str] | None:
    from mincache.errors import InputError
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
        raise click.BadParameter(f"must be two solvers with a comma between, received {text!r}")
    return found[0]


@click.command()
@click.argument("scenario", required=False, type=click.Path())
@click.option(
    "--users", callback=_whole_numbers, metavar="N,N,...", help="Numbers of users; default: the scenario's."
)
@click.option("--libraries", type=COUNT, default=1, show_default=True, help="Model libraries to draw.")
@click.option("--traces", type=COUNT, default=1, show_default=True, help="Traces a library and N.")
@click.option(
    "--seed", type=click.IntRange(min=0), required=True, help="Seed of the traces, and of the libraries."
)
@click.option("--library-seed", type=click.IntRange(min=0), help="Seed of the libraries; default: --seed.")
@click.option("--name", help="The suite's name; default: the folder's.")
@click.option("--purpose", default="", help="One line on what the suite is for.")
@click.option("--kept", type=click.Choice(["files", "drawn"]), default="files", show_default=True,
              help="Write the instances, or the recipe alone, to be drawn on first use.")  # fmt: skip
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Folder for the suite.")
@click.option("--separate", callback=_two_solvers, metavar="A,B",
              help="Search for settings in which solvers A and B differ most, and draw those.")  # fmt: skip
@click.option("--budget", type=click.IntRange(min=5), default=100, show_default=True,
              help="With --separate: settings to try.")  # fmt: skip
@click.option("--time-limit", type=SECONDS,
              help="With --separate: seconds after which no further setting is tried.")  # fmt: skip
@click.option("--solve-limit", type=SECONDS, default=10.0, show_default=True,
              help="With --separate: seconds for a solver on an instance.")  # fmt: skip
@click.option("--keep", type=COUNT, default=5, show_default=True,
              help="With --separate: settings to draw.")  # fmt: skip
def generate(
    scenario: str | None, users: tuple[int, ...] | None, libraries: int, traces: int,
    seed: int, library_seed: int | None, name: str | None, purpose: str, kept: Any, output: Path,
    separate: tuple[str, str] | None, budget: int, time_limit: float | None, solve_limit: float, keep: int,
) -> None:  # fmt: skip
    """Draw a suite from SCENARIO.toml (what differs from Table I; nothing does by default).

    A table [sweep] in it names fields that vary: a list takes every value, a range {low = .., high = ..}
    is drawn once an instance. With --separate the lists and ranges are what is searched.

    \b
    mincache generate --users 10,14,18 --libraries 3 --traces 4 --seed 7 -o my-suite
    mincache run my-suite --solver decomposition -o results/my-suite
    mincache generate --separate cloud-only,popular-first --budget 20 --seed 7 -o apart
    """  # noqa: D301  # \b is click's mark for a block to be left as it is
    from mincache.files.tables import validated
    from mincache.generation import suite_writing
    from mincache.generation.recipes import Recipe, ScenarioFile, read_scenario
    from mincache.generation.suites import RECIPE_FILE
    from mincache.problem.instance import check_name

    source = ScenarioFile() if scenario is None else read_scenario(scenario)
    title = check_name(name if name is not None else output.resolve().name.lower(), "--name")
    fields = {
        "library_seed": seed if library_seed is None else library_seed, "trace_seed": seed,
        "libraries": libraries, "users": users or _users(source), "traces": traces,
    }  # fmt: skip
    sweep = source.sweep
    if separate is not None:
        from mincache.analysis.separation import space_of
        from mincache.cli.separating import search

        suite_writing.check_free(output)
        sweep, told = search(
            separate, validated(Recipe, fields), source.scenario, space_of(sweep), keep,
            budget=budget, time_limit_s=time_limit or float("inf"), solve_limit_s=solve_limit,
        )  # fmt: skip
        purpose = purpose or told
    recipe = validated(Recipe, fields | {"sweep": sweep})
    suite = suite_writing.generate(output, title, recipe, source.scenario, purpose, kept, _drawing)
    click.echo(f"{len(suite.entries)} instances in {output}, listed in {output / RECIPE_FILE}")


def _drawing(places: Sequence[Place]) -> Iterable[Place]:
    return tracked(places, "drawing", total=len(places))


def _users(source: ScenarioFile) -> tuple[int, ...]:
    """Return the numbers of users of the cases, if each names its own; else the scenario's."""
    cases = source.sweep.cases if source.sweep is not None else ()
    named = [case["users"] for case in cases if "users" in case]
    return tuple(dict.fromkeys(named)) if named and len(named) == len(cases) else (source.users,)
