"""What the shell's completion offers where a solver, a suite or an instance is asked for."""

from __future__ import annotations

import click


def solver_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Return the installed solvers that begin so, and `all` where several may be given."""
    from mincache import registry

    return _beginning(incomplete, [*registry.names(), *(["all"] if param.multiple else [])])


def suite_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Return the standard suites that begin so."""
    from mincache import suites

    return _beginning(incomplete, suites.standard_names())


def instance_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Return the instances of the standard suites that begin so; the suites until one of them is typed."""
    from mincache import suites

    found = _beginning(incomplete.partition(".")[0], suites.standard_names())
    if "." not in incomplete and len(found) > 1:
        return found
    return _beginning(incomplete, [name for suite in found for name in suites.find(suite).entries])


def _beginning(text: str, names: list[str]) -> list[str]:
    return [name for name in names if name.startswith(text)]
