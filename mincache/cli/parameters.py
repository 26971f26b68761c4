"""Values on the command line that need reading: sizes such as 2GB, parts such as 1/4."""

from __future__ import annotations

import re

import click

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30}


def size(context: click.Context, parameter: click.Parameter, value: str | None) -> int | None:
    """Return the bytes in a text such as 500MB, 2GB or 2GiB."""
    if value is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(|[kmg]i?)b?", value.strip().lower())
    if match is None or float(match[1]) <= 0:
        raise click.BadParameter(f"{value!r} is no size such as 500MB or 2GB", context, parameter)
    return int(float(match[1]) * _UNITS[match[2]])


def part(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[int, int] | None:
    """Return the index, from 1, and the number of parts in a text such as 1/4."""
    if value is None:
        return None
    match = re.fullmatch(r"(\d+)/(\d+)", value.strip())
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise click.BadParameter(f"{value!r} is no part such as 1/4", context, parameter)
    return int(match[1]), int(match[2])
