"""What the parameters of learners have in common."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from mincache.errors import InputError

MOST_UNITS = 2048
"""Units that a layer may have, so that no policy is too large a file to be read."""


def check_counts(title: str, learner: Any, *names: str) -> None:
    """Check that these parameters are at least 1, and that whole rounds make up the episodes.

    Raises:
        InputError: if one is not.
    """
    counts = ("episodes", "environments", "updates", "batch", *names)
    _check(title, learner, counts, "must be >= 1", lambda value: value >= 1)
    if learner.episodes % learner.environments:
        rule = f"must be a multiple of environments = {learner.environments}"
        raise InputError(f"{title}.episodes", rule, str(learner.episodes))


def check_units(title: str, learner: Any, name: str) -> None:
    """Check that a layer has from 1 to `MOST_UNITS` units.

    Raises:
        InputError: if it has not.
    """
    _check(title, learner, (name,), f"must lie in [1, {MOST_UNITS}]", lambda value: 1 <= value <= MOST_UNITS)


def check_fractions(title: str, learner: Any, *names: str) -> None:
    """Check that these parameters lie in [0, 1].

    Raises:
        InputError: if one does not.
    """
    _check(title, learner, names, "must lie in [0, 1]", lambda value: 0.0 <= value <= 1.0)


def check_sizes(title: str, learner: Any, *names: str) -> None:
    """Check that these parameters are finite and not negative.

    Raises:
        InputError: if one is not.
    """
    _check(title, learner, names, "must be finite and >= 0", lambda value: 0.0 <= value < math.inf)


def _check(
    title: str, learner: Any, names: tuple[str, ...], rule: str, holds: Callable[[float], bool]
) -> None:
    for name in names:
        if not holds(getattr(learner, name)):
            raise InputError(f"{title}.{name}", rule, str(getattr(learner, name)))
