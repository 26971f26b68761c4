"""The options that limit a run, the same for `mincache run` and `mincache solve`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mincache.cli.parameters import size

if TYPE_CHECKING:
    from collections.abc import Callable

    from mincache.bench.limits import Limits

SECONDS = click.FloatRange(min=0, min_open=True)


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
        click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True,
                     help="Threads, and cores where they can be pinned, of a run."),
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


def limits_of(
    wall_s: float | None,
    grace_s: float,
    startup_s: float,
    cpu_s: float | None,
    memory_bytes: int | None,
    threads: int,
) -> Limits:
    """Return the limits that the options say.

    Raises:
        InputError: if this machine cannot enforce one of them.
    """
    from mincache.bench.limits import Limits

    limits = Limits(wall_s, grace_s, startup_s, cpu_s, memory_bytes, threads=threads)
    limits.check_enforceable()
    return limits
