"""What the parameters of learners have in common."""

from __future__ import annotations

from typing import Any

from mincache.errors import InputError


def check_counts(title: str, learner: Any, *names: str) -> None:
    """Check that these parameters are at least 1, and that whole rounds make up the episodes.

    Raises:
        InputError: if one is not.
    """
    for name in ("episodes", "environments", "updates", "batch", *names):
        if getattr(learner, name) < 1:
            raise InputError(f"{title}.{name}", "must be >= 1", str(getattr(learner, name)))
    if learner.episodes % learner.environments:
        rule = f"must be a multiple of environments = {learner.environments}"
        raise InputError(f"{title}.episodes", rule, str(learner.episodes))


def check_fractions(title: str, learner: Any, *names: str) -> None:
    """Check that these parameters lie in [0, 1].

    Raises:
        InputError: if one does not.
    """
    for name in names:
        if not 0.0 <= getattr(learner, name) <= 1.0:
            raise InputError(f"{title}.{name}", "must lie in [0, 1]", str(getattr(learner, name)))
