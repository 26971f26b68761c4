"""What a given cache costs in each slot, users being served as well as can be."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mincache.exact import loops
from mincache.exact.passes import FrameSearch, with_slack
from mincache.problem.quantity import Array

_NODES = 1 << 20  # for one cache in one slot: hardly ever are more than a few needed
_SETS_A_CALL = 1 << 12


def cache_losses(
    search: FrameSearch, t: int, sets: Array, remaining: Callable[[], float]
) -> tuple[Array, Array] | None:
    """Return the loss of slot `t` for each of `sets`, bool [S, M], and a lower bound on it; None if late."""
    loss, lower, no_steps = np.empty(len(sets)), np.empty(len(sets)), np.zeros((0, 0))
    for first in range(0, len(sets), _SETS_A_CALL):
        if remaining() <= 0.0:
            return None
        part = slice(first, first + _SETS_A_CALL)
        _serve(search, t, sets[part], loss[part], lower[part], no_steps, remaining())
    return loss, lower


def served_steps(search: FrameSearch, cache: Array) -> Array:
    """Return the steps [T, N] that the users get at best with `cache`, bool [T, M]."""
    steps = np.zeros(search.instance.trace.requested_model.shape)
    for t in range(len(cache)):
        part = slice(t, t + 1)
        _serve(search, t, cache[part], np.empty(1), np.empty(1), steps[part], float("inf"))
    return steps


def _serve(
    search: FrameSearch, t: int, sets: Array, loss: Array, lower: Array, steps: Array, remaining_s: float
) -> None:
    instance, slot = search.instance, slice(t, t + 1)
    work = len(sets) * instance.user_count
    ignored = np.errstate(over="ignore", invalid="ignore")
    with loops.choose_loops(work, search.compiled, remaining_s, "serve_sets") as serve_sets, ignored:
        serve_sets(
            search.library, instance.trace.requested_model[slot], search.stakes.cloud[slot],
            with_slack(instance.server.steps), sets, _NODES, loss, lower, steps, search.work,
        )  # fmt: skip
