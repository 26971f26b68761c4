"""What callers of the environment pass (whole numbers, seeds, masks, actions), checked."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from numbers import Integral

import numpy as np
from gymnasium.vector import AutoresetMode

from mincache.errors import InputError, excerpt
from mincache.problem.quantity import Array


def whole(field: str, value: object, least: int = 0) -> int:
    """Return a whole number of at least `least`, numpy's too, as an int."""
    if not isinstance(value, Integral) or value < least:
        raise InputError(field, f"must be a whole number >= {least}", excerpt(value))
    return int(value)


def seeds(given: object, count: int) -> int | list[int | None] | None:
    """Return one seed for all, one or None for each of `count` copies, or None."""
    seed = given.tolist() if isinstance(given, np.ndarray) else given
    if not isinstance(seed, list | tuple):
        return None if seed is None else whole("seed", seed)
    if len(seed) != count:
        raise InputError("seed", f"must be one number, or a list of {count}", f"{len(seed)} numbers")
    return [None if one is None else whole("seed", one) for one in seed]


def check_options(options: object, count: int) -> int | None:
    """Return the number of the episode that the options of a reset ask for, if any."""
    if not isinstance(options, Mapping | None):
        raise InputError("options", "must be a mapping", excerpt(options))
    given = dict(options or {})
    mask = np.asarray(given.pop("reset_mask", np.ones(count, dtype=bool)))
    if mask.shape != (count,) or mask.dtype != np.bool_ or not mask.all():
        rule = f"must be true for all {count} copies, which begin and end together"
        raise InputError("options['reset_mask']", rule, excerpt(mask.tolist()))
    episode = whole("options['episode']", given.pop("episode")) if "episode" in given else None
    if given:
        raise InputError("options", "must be episode or reset_mask", excerpt(next(iter(given))))
    return episode


def one_of(field: str, value: object, known: Collection[str]) -> str:
    """Return a value that is one of the known ones."""
    if not isinstance(value, str) or value not in known:
        raise InputError(field, f"must be one of {', '.join(known)}", excerpt(value))
    return value


def autoreset(mode: object) -> AutoresetMode:
    """Return one of Gymnasium's ways to go on after an episode, by itself or its name."""
    if isinstance(mode, AutoresetMode):
        return mode
    names = [one.value for one in AutoresetMode]
    return AutoresetMode(one_of("autoreset_mode", mode, names))


def numbers(field: str, value: object, shape: tuple[int, ...] | None) -> Array:
    """Return an array of numbers as float64 of this shape."""
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(field, "must be an array of numbers", excerpt(value)) from None
    if array.shape != shape:
        raise InputError(field, f"must have shape {list(shape or ())}", str(list(array.shape)))
    return array
