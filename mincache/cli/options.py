"""Options that several verbs have, and values that need reading: sizes such as 2GB, parts such as 1/4."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from mincache.bench.limits import Limits

FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)
COUNT = click.IntRange(min=1)


class Seconds(click.FloatRange):
    """A number of seconds above 0; nan, which no comparison refuses, is none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number of seconds."""
        seconds = super().convert(value, param, ctx)
        if math.isnan(seconds):
            self.fail(f"{value!r} is no number of seconds", param, ctx)
        return seconds


SECONDS = Seconds(min=0, min_open=True)
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(|[kmg]i?)b?", re.ASCII)


def json_option(what: str = "a JSON object") -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return the option `--json`, whose help says what is printed then."""
    return click.option("--json", "as_json", is_flag=True, help=f"Print {what}.")


def size(context: click.Context, parameter: click.Parameter, value: str | None) -> int | None:
    """Return the bytes in a text such as 500MB, 2GB or 2GiB."""
    if value is None:
        return None
    match = _SIZE.fullmatch(value.strip().lower())
    if match is None or not 0 < float(match[1]) * _UNITS[match[2]] < 2**63:
        raise click.BadParameter(f"{value!r} is no size such as 500MB or 2GB", context, parameter)
    return int(float(match[1]) * _UNITS[match[2]])


def part(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[int, int] | None:
    """Return the index, from 1, and the number of parts in a text such as 1/4."""
    if value is None:
        return None
    match = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", value.strip())
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise click.BadParameter(f"{value!r} is no part such as 1/4", context, parameter)
    return int(match[1]), int(match[2])


def limit_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that make up `Limits`, but for the time limit."""
    options = (
        click.option("--grace", type=click.FloatRange(min=0), default=0.1, show_default=True,
                     help="Seconds past the time limit until the run is killed."),
        click.option("--startup-limit", type=SECONDS, default=120.0, show_default=True,
                     help="Seconds for a run to load its solver and its instance."),
        click.option("--cpu-limit", type=SECONDS, help="Processor seconds of a run, all its processes."),
        click.option("--memory-limit", callback=size, metavar="SIZE",
                     help="Memory of a run, all its processes, such as 2GB."),
        click.option("--threads", type=COUNT, default=1, show_default=True,
                     help="Threads, and cores where they can be pinned, of a run."),
        click.option("--env", "environment", multiple=True, metavar="NAME",
                     help="An environment variable that a run may see; may be repeated."),
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


def limits_of(
    time_limit: float | None, grace: float, startup_limit: float, cpu_limit: float | None,
    memory_limit: int | None, threads: int, environment: tuple[str, ...] = (),
) -> Limits:  # fmt: skip
    """Return the limits that the options say.

    Raises:
        InputError: if this machine cannot enforce one of them.
    """
    from mincache.bench.limits import Limits

    limits = Limits(
        time_limit, grace, startup_limit, cpu_limit, memory_limit, threads=threads, environment=environment
    )
    limits.check_enforceable()
    return limits
