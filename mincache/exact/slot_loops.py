"""The loops of `SlotPricer`: what a slot costs when one or two models change sides.

All that they need lies in three arrays, a row a quantity, for numba takes long to take in many arrays.
"""

import numpy as np

from mincache.exact.arrays import Library, Tree, Work
from mincache.exact.serving import serve_cached
from mincache.problem.quantity import Array

SIZE, LEAST, ONSET_STEPS, FULL, ONSET, UNSERVED, CLOUD, LOAD = range(8)
"""Rows of `numbers`, by model; CLOUD and LOAD are what all its users lose at the cloud, and by loading it."""
SCALARS, FIRST_TREE_NUMBER, NUMBER_ROWS = 8, 9, 15
STEPS, STORAGE, USED, IDEAL, USERS, BOUND, SPARE, PART_STEPS, ONE_USERS = range(9)
"""Places in the row SCALARS of `numbers`. STEPS is the limit with what is forgiven, ONE_USERS without."""
BY_WORTH, ASKED, DEMAND, SERVED, COUNTS, FIRST_TREE_WHOLE, WHOLE_ROWS = 0, 1, 2, 3, 4, 5, 8
"""Rows of `wholes`: models worth serving, models asked for, requests by model, and so on."""
WORTHY, ASKED_FOR, OVERSHOOT, LEVEL, NODES, PART_MODEL = range(6)
"""Places in the row COUNTS of `wholes`."""
WIDEST = 9
"""Width of the rows beyond the number of models."""
_NODES = 1 << 20


def price_toggle(numbers: Array, wholes: Array, truths: Array, first: int, second: int) -> float:
    """Return the cost of a slot with models `first` and `second` (-1 for none) on the other side."""
    cached, scalars, counts = truths[0], numbers[SCALARS], wholes[COUNTS]
    used_gb = scalars[USED]
    for m in (first, second):
        if m >= 0:
            used_gb += -numbers[SIZE, m] if cached[m] else numbers[SIZE, m]
            cached[m] = not cached[m]
    loss, suffices = 0.0, used_gb <= scalars[STORAGE]
    scalars[SPARE] = scalars[STEPS]
    for i in range(counts[ASKED_FOR]):
        m = wholes[ASKED, i]
        if cached[m]:
            loss += numbers[LOAD, m]
            if numbers[LEAST, m] > 0.0:
                needed = wholes[DEMAND, m] * numbers[LEAST, m]
                suffices = suffices and needed <= scalars[SPARE]
                scalars[SPARE] -= needed
        else:
            loss += numbers[CLOUD, m]
    if suffices:
        counts[NODES] = _NODES
        loss = serve_cached(_library(numbers, wholes), _work(numbers, wholes, truths), 1, loss, np.inf)
        m = counts[PART_MODEL]
        if m >= 0:  # what is forgiven is forgiven of the sum alone
            excess = max(0.0, numbers[LEAST, m] + scalars[PART_STEPS] - scalars[ONE_USERS])
            loss += numbers[ONSET, m] * excess / (numbers[FULL, m] - numbers[ONSET_STEPS, m])
    for m in (first, second):
        if m >= 0:
            cached[m] = not cached[m]
    return float((scalars[IDEAL] + loss) / scalars[USERS]) if suffices else np.inf


def price_toggles(numbers: Array, wholes: Array, truths: Array, costs: Array) -> None:
    """Write the cost with each model on the other side into `costs` [M]."""
    cached, scalars = truths[0], numbers[SCALARS]
    present = price_toggle(numbers, wholes, truths, -1, -1)
    for m in range(costs.size):
        if wholes[DEMAND, m] > 0 or present == np.inf:
            costs[m] = price_toggle(numbers, wholes, truths, m, -1)
        else:  # nobody asks for it: it takes room, and changes nothing else
            fits = cached[m] or scalars[USED] + numbers[SIZE, m] <= scalars[STORAGE]
            costs[m] = present if fits else np.inf


def _library(numbers: Array, wholes: Array) -> Library:
    return Library(
        numbers[SIZE], numbers[LEAST], numbers[ONSET_STEPS], numbers[FULL], numbers[ONSET],
        numbers[UNSERVED], wholes[BY_WORTH, : wholes[COUNTS, WORTHY]],
    )  # fmt: skip


def _work(numbers: Array, wholes: Array, truths: Array) -> Work:
    """Return what serving works in; what only a search of caches needs is never looked at."""
    w, n, scalars, counts = FIRST_TREE_WHOLE, FIRST_TREE_NUMBER, numbers[SCALARS], wholes[COUNTS]
    tree = Tree(
        wholes[w], numbers[n], numbers[n + 1], wholes[w + 1], truths[1], numbers[n + 2], numbers[n + 3],
        wholes[w + 2], numbers[n + 4], numbers[n + 5], counts[OVERSHOOT : OVERSHOOT + 1],
        counts[LEVEL : LEVEL + 1], scalars[BOUND : BOUND + 1],
    )  # fmt: skip
    unused, unused_wholes = numbers[CLOUD], wholes[ASKED]
    return Work(
        wholes[DEMAND : DEMAND + 1], numbers[CLOUD], unused, unused, unused_wholes, unused, truths[0],
        scalars[SPARE : SPARE + 1], wholes[SERVED : SERVED + 1], counts[PART_MODEL : PART_MODEL + 1],
        scalars[PART_STEPS : PART_STEPS + 1], unused_wholes, counts[NODES : NODES + 1], tree, tree,
    )  # fmt: skip
