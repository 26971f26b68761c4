"""`mincache generate`."""

from __future__ import annotations

from pathlib import Path

import click


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


@click.command()
@click.argument("scenario", required=False, type=click.Path())
@click.option(
    "--users", callback=_whole_numbers, metavar="N,N,...", help="Numbers of users; default: the scenario's."
)
@click.option(
    "--libraries", type=click.IntRange(min=1), default=1, show_default=True, help="Model libraries to draw."
)
@click.option(
    "--traces", type=click.IntRange(min=1), default=1, show_default=True, help="Traces a library and N."
)
@click.option(
    "--seed", type=click.IntRange(min=0), required=True, help="Seed of the traces, and of the libraries."
)
@click.option("--library-seed", type=click.IntRange(min=0), help="Seed of the libraries; default: --seed.")
@click.option("--name", help="The suite's name; default: the folder's.")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Folder for the suite.")
def generate(
    scenario: str | None, users: tuple[int, ...] | None, libraries: int, traces: int,
    seed: int, library_seed: int | None, name: str | None, output: Path,
) -> None:  # fmt: skip
    """Draw a suite from SCENARIO.toml (what differs from Table I; nothing does by default).

    \b
    mincache generate --users 10,14,18 --libraries 3 --traces 4 --seed 7 -o my-suite
    mincache run my-suite --solver decomposition -o results/my-suite
    """  # noqa: D301  # \b is click's mark for a block to be left as it is
    from mincache import suites
    from mincache.instance import check_name
    from mincache.scenario import Scenario
    from mincache.validation import read_toml

    drawn_from = read_toml(scenario, Scenario) if scenario else Scenario()
    title = check_name(name if name is not None else output.resolve().name.lower(), "--name")
    recipe = suites.Recipe(
        library_seed=seed if library_seed is None else library_seed,
        trace_seed=seed,
        libraries=libraries,
        users=users or (drawn_from.users,),
        traces=traces,
    )
    suite = suites.generate(output, title, recipe, drawn_from)
    click.echo(f"{len(suite.entries)} instances in {output}, listed in {output / suites.RECIPE_FILE}")
