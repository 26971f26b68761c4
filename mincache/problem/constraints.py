"""The constraints of a solution: the limits (11b)-(11f), that every request arrives, and the rules."""

from typing import NamedTuple

import numpy as np

from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.problem.solution import Decisions

TOLERANCE = 1e-9
"""What a limit may be exceeded by, as a fraction of the resource."""

KEPT_WITHIN = 1e-12
"""What exceeds a limit by no more than this has kept it: the rest is rounding."""

CONSTRAINTS = ("storage", "bandwidth", "steps", "range", "unserved", "frame", "quality")
"""Names of the constraints, in the order in which violations are listed."""

_STORAGE, _BANDWIDTH, _STEPS, _RANGE, _UNSERVED, _FRAME, _QUALITY = range(len(CONSTRAINTS))

_RELATIVE = ("storage", "bandwidth", "steps", "quality")  # no tolerance for the others
TOLERANCES = np.array([TOLERANCE if name in _RELATIVE else 0.0 for name in CONSTRAINTS])[:, None]
"""By how much each may be exceeded, [C, 1]."""


class Violation(NamedTuple):
    """A constraint broken in a slot, and by how much, a finite number.

    Storage, bandwidth and steps count as a fraction of the resource; range is a share's largest distance from
    [0, 1]; unserved and frame count users without bandwidth, and models cached otherwise than in the frame's
    first slot; quality is the largest fraction of its steps that a hit lacks.
    """

    constraint: str
    slot: int
    excess: float


def excess(instance: Instance, decisions: Decisions, hit: Array, steps: Array, least_steps: Array) -> Array:
    """Return by how much each constraint is broken, as in `Violation`, [B, C, T], by decisions [B, ...].

    `hit` and `steps` [B, T N] are of each request; `least_steps` [T N] is what a hit must have.
    """
    cache, bandwidth_share, step_share = decisions
    found = np.zeros((len(cache), len(CONSTRAINTS), instance.slot_count))
    found[:, _STORAGE] = cache @ instance.models.size_gb / instance.server.storage_gb  # (11d)
    found[:, _BANDWIDTH] = np.einsum("btn->bt", bandwidth_share)  # (11e); on short rows faster than a sum
    found[:, _STEPS] = np.einsum("btn->bt", step_share)  # (11f)
    found[:, : _STEPS + 1] -= 1.0  # all three are fractions of the resource
    ends = (share.min(initial=1.0) >= 0.0 and share.max(initial=0.0) <= 1.0 for share in decisions[1:])
    if not all(ends) or bandwidth_share.min(initial=1.0) == 0.0:  # seldom; also where a share is nan
        found[:, _RANGE] = np.maximum(_outside(bandwidth_share), _outside(step_share))  # (11b), (11c)
        found[:, _UNSERVED] = np.count_nonzero(bandwidth_share <= 0.0, axis=-1)
    if instance.rules.frame_slots > 1:
        slot = np.arange(instance.slot_count)
        first = cache[:, slot - slot % instance.rules.frame_slots]
        found[:, _FRAME] = np.count_nonzero((cache != 0) != (first != 0), axis=-1)
    if instance.rules.steps_floor > 0.0:
        lacking = np.where(hit, 1.0 - steps / least_steps, 0.0)
        found[:, _QUALITY] = lacking.reshape(bandwidth_share.shape).max(axis=-1)
    return found


def _outside(shares: Array) -> Array:
    return np.asarray(np.maximum(-shares, shares - 1.0).max(axis=-1, initial=0.0))
