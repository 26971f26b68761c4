"""Writing a certificate: the optimum is found first, then proven slot by slot so that it can be checked."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mincache.certificate.boxes import Box, Stakes, bound
from mincache.certificate.document import Certificate, SlotProof, certificate_bytes
from mincache.certificate.frame_writing import certify_frames
from mincache.exact import Regrets, improvements, marginal_delay_s, regrets
from mincache.files.documents import digest, parse_instance
from mincache.problem.evaluation import evaluate
from mincache.problem.instance import Instance

RELATIVE_GAP = 1e-10
"""Relative gap to the optimum up to which a slot is proven."""

_NODES = 20_000
_ROUNDING = 2e-12  # what the check takes off for limits kept up to rounding, and as much again

_Tree = list[list[str | int | float]]


def certify(
    instance: bytes, *, node_limit: int = _NODES, remaining: Callable[[], float] = lambda: float("inf")
) -> bytes:
    """Return a certificate of an instance: the proof of a bound, of the optimum where the limits allow.

    Args:
        instance: the (unpacked) bytes of the instance document.
        node_limit: nodes of a slot's tree beyond which it is split no further.
        remaining: returns the seconds left; when they are up, the bounds reached are what is proven.

    Raises:
        InputError: if the instance cannot be read.
    """
    problem = parse_instance(instance)
    if problem.used_rules:
        return certify_frames(instance, remaining=remaining)[0]
    *_, answer = improvements(problem, remaining=remaining)
    share = answer.solution.bandwidth_share
    target = np.array(evaluate(problem, answer.solution).slot_cost) * problem.user_count
    stakes = regrets(problem, share)
    multiplier = marginal_delay_s(problem, share).mean(axis=1)
    slots = []
    for t in range(problem.slot_count):
        goal = float(target[t] * (1.0 - RELATIVE_GAP) - stakes.ideal_cost[t])
        tree, loss = _tree(problem, stakes, t, goal, node_limit, remaining)
        priced = _ROUNDING * problem.preference_weight * multiplier[t]
        cost = float(stakes.ideal_cost[t] * (1.0 - _ROUNDING) - priced + loss) / problem.user_count
        slots.append(SlotProof(bound=cost, bandwidth_multiplier=float(multiplier[t]), tree=tree))
    certificate = Certificate(
        instance=problem.name,
        instance_sha256=digest(instance),
        bound=float(np.mean([slot.bound for slot in slots])) * (1.0 - _ROUNDING),
        slots=slots,
    )
    return certificate_bytes(certificate)


def _tree(
    instance: Instance, stakes: Regrets, t: int, goal: float, node_limit: int, remaining: Callable[[], float]
) -> tuple[_Tree, float]:
    """Return a tree in preorder that proves a loss of `goal` in slot t, or what it does prove."""
    models, slot = _slot_stakes(instance, stakes, t)
    tree: _Tree = []
    lowest = float("inf")
    waiting = [Box.whole(slot)]
    while waiting:
        box = waiting.pop()
        found = bound(slot, box, goal)
        wanted = found.loss < goal and len(tree) + len(waiting) < node_limit and remaining() > 0.0
        if wanted and found.split is not None:
            kind, i, *at = found.split
            tree.append([kind, int(models[i]), *at])
            waiting += reversed(box.halves(found.split))
        else:
            tree.append([found.storage_price, found.step_price])
            lowest = min(lowest, found.loss)
    return tree, lowest


def _slot_stakes(instance: Instance, stakes: Regrets, t: int) -> tuple[np.ndarray, Stakes]:
    """Return the models requested in slot t, and what they cost."""
    requested, library = instance.trace.requested_model[t], instance.models
    models, place, users = np.unique(requested, return_inverse=True, return_counts=True)
    return models, Stakes(
        size_gb=library.size_gb[models],
        onset_steps=library.steps_onset[models],
        full_steps=library.steps_saturation[models],
        users=users.astype(float),
        cloud=np.bincount(place, stakes.cloud[t]),
        unserved=stakes.unserved[models],
        onset=stakes.onset[models],
        storage_gb=instance.server.storage_gb,
        steps=instance.server.steps,
    )
