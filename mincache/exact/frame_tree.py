"""Branch and bound over a frame's caches whose multipliers move at every node.

The limits of storage and of each slot's steps get prices, and so does one further limit on the models, if
there is one. At prices the models are apart: each is cached where that costs less, and what they cost in all,
less the prices, is a lower bound. At every node the prices take a few subgradient steps with Polyak's length,
from those of the node above. At each of them, a model whose other choice would lift the bound to the cutoff
is fixed (by its reduced cost). The model whose choice changed most often over these steps is branched
on. What the search does can be noted for a proof: in `moves` stand codes, each followed by models (one left
out by the complement of its index), in `prices` those that `CLOSED` and `FIXED` hold at.
"""

import numpy as np

from mincache.exact.arrays import Dual, Library, Work
from mincache.exact.serving import fits, serve_cached, take_cache, take_requests
from mincache.problem.quantity import Array

_ROOT_STEPS, _STEPS = 300, 5  # subgradient steps at the root and at every other node
_SHORTER = 0.8  # factor on the steps' length after one that lifts the bound no more
_ROUNDING = 4e-15  # of all that is added up
_SPARE = 1e-9  # part of the storage that sums may be off by, here where they serve to prune only
_LEAF_NODES = 1 << 20  # for the users of one cache: hardly ever are more than a few needed
_FREE, _OUT, _IN = -1, 0, 1

# The moves, of which those with models are followed by their number, and them.
FULL = 0  # the cached models do not fit together
LEAF = 1  # all models are decided
SPLIT = 2  # a model follows, in its choice that is searched first; the other choice comes after that
CLOSED = 3  # at these prices all caches cost the cutoff at least
FIXED = 4  # models whose other choice costs the cutoff at least at these prices
TOO_LARGE = 5  # models that do not fit beside the cached ones


def search_tree(
    library: Library, requested: Array, cloud: Array, keep: Array, limits: Array, cutoff: float,
    tolerance: float, node_limit: int, caches: Array, losses: Array, result: Array, work: Work, dual: Dual,
) -> None:  # fmt: skip
    """Find the best cache of a frame below a cutoff, or all caches below it.

    Arguments but for those of all loops (see `serving`):
        keep: [M], more regret of not caching a model, of either sign.
        cutoff: the loss to stay below.
        tolerance: by how much an answer must be better than the one before; negative to find all caches.
        caches: bool [R, M], where to write the caches found; the best alone is in the first row, or all.
        losses: [R], their losses.
        result: [3], where to write how many caches were found (more than R where there is no room for them),
            a lower bound on the loss of all others, and the nodes searched.
    """
    slots = requested.shape[0]
    take_requests(requested, cloud, work)
    n = _take_items(library, work, dual, slots, keep, limits)
    best = cutoff - max(tolerance, 0.0)
    found, nodes, lower = 0, 0, np.inf
    depth, fixed = 0, 0
    dual.price[0, :] = 0.0
    while depth >= 0:
        closed, bound = nodes >= node_limit, -np.inf
        if closed:
            lower = min(lower, dual.bound[depth - 1] if depth > 0 else -np.inf)
        else:
            nodes += 1
            bound, fixed = _ascend(dual, n, slots, depth, fixed, best)
            if depth > 0:
                bound = max(bound, dual.bound[depth - 1])
            closed = bound >= best
        if not closed and fixed < n:
            fixed = _branch(dual, n, slots, depth, bound, fixed)
            depth += 1
            continue
        if not closed:
            loss, certain = _leaf_loss(library, work, dual, n, slots, limits, best)
            if not certain:
                lower = min(lower, bound)
            if loss < best:
                row = 0 if tolerance >= 0.0 else found
                if row < losses.size:
                    losses[row] = loss
                    for m in range(work.cached.size):
                        caches[row, m] = work.cached[m]
                found += 1
                if tolerance >= 0.0:
                    best = loss - tolerance
        depth, fixed = _back(dual, slots, depth, fixed, best)
    result[0], result[1], result[2] = found, min(lower, best), nodes


def _branch(dual: Dual, n: int, slots: int, depth: int, bound: float, fixed: int) -> int:
    """Fix the most torn model in its better choice, for the next depth; return how many are fixed."""
    i = _most_torn(dual, n)
    if depth == 0:
        dual.mean[0] = (1.0 + dual.slope[slots]) / max(1.0, dual.held[:n].sum())
    dual.bound[depth], dual.mark[depth], dual.item[depth] = bound, fixed, i
    dual.open[depth] = True
    side = _IN if dual.worth[i] > 0.0 else _OUT
    _note(dual, SPLIT)
    _note(dual, dual.model[i] if side == _IN else ~dual.model[i])
    _hand_on(dual, depth)
    return _fix(dual, i, side, fixed)


def _back(dual: Dual, slots: int, depth: int, fixed: int, best: float) -> tuple[int, int]:
    """Go back to the last choice that is open; return the depth after it, or -1, and how many are fixed."""
    depth -= 1
    while depth >= 0 and not (dual.open[depth] and dual.bound[depth] < best):
        depth -= 1
    if depth < 0:
        return -1, fixed
    dual.open[depth] = False
    i = dual.item[depth]
    side = 1 - dual.state[i]
    while fixed > dual.mark[depth]:
        fixed -= 1
        released = dual.trail[fixed]
        if dual.state[released] == _IN:
            dual.room[0] += dual.size[released]
        dual.state[released] = _FREE
    _hand_on(dual, depth)
    return depth + 1, _fix(dual, i, side, fixed)


def _take_items(library: Library, work: Work, dual: Dual, slots: int, keep: Array, limits: Array) -> int:
    """Write what each model that may be cached costs and takes into `dual`; return how many there are."""
    n = 0
    dual.base[0], dual.noted[0], dual.noted[1] = 0.0, 0, 0
    for m in range(work.cloud.size):
        asked = dual.wanted[m] or keep[m] != 0.0
        for j in range(slots):
            asked = asked or work.demand[j, m] > 0
        work.cloud[m] += keep[m]
        if asked and fits(library, work, slots, m, limits):
            dual.model[n], dual.state[n] = m, _FREE
            dual.out[n], dual.size[n] = work.cloud[m], library.size_gb[m] / limits[0]
            dual.weight[n] = dual.weights[m]
            for j in range(slots):
                demand = work.demand[j, m]
                dual.idle[j, n] = demand * library.unserved[m]
                dual.full[j, n] = demand * library.full_steps[m] / limits[1]
                dual.least[j, n] = demand * library.least_steps[m] / limits[1]
            n += 1
        else:
            dual.base[0] += work.cloud[m]
    dual.room[0] = 1.0
    return n


def _fix(dual: Dual, i: int, side: int, fixed: int) -> int:
    dual.state[i] = side
    if side == _IN:
        dual.room[0] -= dual.size[i]
    dual.trail[fixed] = i
    return fixed + 1


def _note(dual: Dual, move: int) -> None:
    if dual.noted[0] < dual.moves.size:
        dual.moves[dual.noted[0]] = move
    dual.noted[0] += 1


def _note_fixed(dual: Dual, move: int, before: int, fixed: int) -> None:
    if fixed > before and dual.moves.size > 0:
        _note(dual, move)
        _note(dual, fixed - before)
        for place in range(before, fixed):
            i = dual.trail[place]
            _note(dual, dual.model[i] if dual.state[i] == _IN else ~dual.model[i])


def _note_prices(dual: Dual, slots: int) -> None:
    for j in range(slots + 1):
        if dual.noted[1] < dual.prices.size:
            dual.prices[dual.noted[1]] = dual.point[j] * dual.grid[0]
        dual.noted[1] += 1


def _hand_on(dual: Dual, depth: int) -> None:
    for j in range(dual.point.size):
        dual.price[depth + 1, j] = dual.price[depth, j]


def _ascend(dual: Dual, n: int, slots: int, depth: int, fixed: int, best: float) -> tuple[float, int]:
    """Move the prices of this depth uphill, fixing on the way; return the best bound, and what is fixed."""
    if dual.room[0] < -_SPARE:
        _note(dual, FULL)
        return np.inf, fixed
    before = fixed
    for i in range(n):
        dual.torn[i] = 0
        if dual.state[i] == _FREE and dual.size[i] > dual.room[0] + _SPARE:
            fixed = _fix(dual, i, _OUT, fixed)
    _note_fixed(dual, TOO_LARGE, before, fixed)
    before, moves, prices = fixed, dual.noted[0], dual.noted[1]
    for j in range(dual.point.size):
        dual.point[j] = dual.price[depth, j]
    highest, length = -np.inf, 1.0
    for step in range(_ROOT_STEPS if depth == 0 else _STEPS):
        bound = _bound_at(dual, n, slots)
        if bound > highest:
            highest = bound
            for j in range(dual.point.size):
                dual.price[depth, j] = dual.point[j]
        else:
            length *= _SHORTER
        if highest >= best:
            if bound - _paid(dual, before, fixed) >= best:  # also with what was fixed here left open
                dual.noted[0], dual.noted[1] = moves, prices
            _note(dual, CLOSED)
            _note_prices(dual, slots)
            return highest, fixed
        earlier = fixed
        fixed = _fix_by_cost(dual, n, slots, fixed, bound, best)
        if dual.room[0] < -_SPARE:
            _note(dual, FULL)
            return np.inf, fixed
        if (fixed == n and fixed == earlier and step > 4) or not _move(dual, length * (best - bound)):
            break
    for i in range(n):
        dual.torn[i] = min(dual.torn[i], step + 1 - dual.torn[i])
    return highest, fixed


def _paid(dual: Dual, before: int, fixed: int) -> float:
    """Return what the choices fixed from place `before` on add to the bound at these prices."""
    paid = 0.0
    for place in range(before, fixed):
        i = dual.trail[place]
        paid += max(0.0, -dual.worth[i] if dual.state[i] == _IN else dual.worth[i])
    return paid


def _fix_by_cost(dual: Dual, n: int, slots: int, fixed: int, bound: float, best: float) -> int:
    """Fix each model whose other choice costs `best` at least at these prices; return how many are fixed."""
    before = fixed
    for i in range(n):
        if dual.state[i] == _FREE:
            if dual.worth[i] > 0.0:
                dual.torn[i] += 1
            if bound + abs(dual.worth[i]) >= best:
                fixed = _fix(dual, i, _IN if dual.worth[i] > 0.0 else _OUT, fixed)
    if fixed > before:
        _note_fixed(dual, FIXED, before, fixed)
        _note_prices(dual, slots)
    return fixed


def _move(dual: Dual, length: float) -> bool:
    """Move the prices along the slope; return whether there was one."""
    point, slope, norm = dual.point, dual.slope, 0.0
    for j in range(point.size):
        if point[j] > 0.0 or slope[j] > 0.0:
            norm += slope[j] * slope[j]
    if not norm > 0.0 or not length / norm < 1e200:
        return False
    for j in range(point.size):
        point[j] = max(0.0, point[j] + length / norm * slope[j])
        if dual.grid[0] > 0.0:
            point[j] = np.floor(point[j] * dual.grid[0]) / dual.grid[0]
    return True


def _bound_at(dual: Dual, n: int, slots: int) -> float:
    """Return the bound at the prices in `dual.point`; write its slope, and each model's `worth`."""
    point, slope, worth = dual.point, dual.slope, dual.worth
    paid = point[slots]
    for j in range(slots):
        paid += point[j]
    storage, further, limited = point[slots], point[slots + 1], dual.most[0] != 0.0
    for i in range(n):
        worth[i] = storage * dual.size[i]
    if limited:
        for i in range(n):
            worth[i] += further * dual.weight[i]
    for j in range(slots):
        price = point[j]
        idle, full, least = dual.idle[j], dual.full[j], dual.least[j]
        for i in range(n):
            worth[i] += min(idle[i], price * full[i]) + price * least[i]
    slope[slots], slope[slots + 1] = -1.0, -dual.most[0]
    total = dual.base[0]
    for i in range(n):
        cost, state = worth[i], dual.state[i]
        held = state == _IN or (state == _FREE and cost < dual.out[i])
        worth[i] = dual.out[i] - cost
        dual.held[i] = 1.0 if held else 0.0
        total += cost if held else dual.out[i]
        slope[slots] += dual.held[i] * dual.size[i]
    if limited:
        for i in range(n):
            slope[slots + 1] += dual.held[i] * dual.weight[i]
    for j in range(slots):
        price, steep = point[j], -1.0
        idle, full, least = dual.idle[j], dual.full[j], dual.least[j]
        for i in range(n):
            part = full[i] if price * full[i] < idle[i] else 0.0
            steep += dual.held[i] * (part + least[i])
        slope[j] = steep
    rounding = _ROUNDING * (abs(total) + paid + further)
    return float(total - paid - further * dual.most[0] - rounding)


def _most_torn(dual: Dual, n: int) -> int:
    """Return the undecided model whose choice changed most often; of these, the one with most at stake."""
    best, most, stake = -1, -1, 0.0
    for i in range(n):
        if dual.state[i] == _FREE and (dual.torn[i] > most or (dual.torn[i] == most and dual.out[i] > stake)):
            best, most, stake = i, dual.torn[i], dual.out[i]
    return best


def _leaf_loss(
    library: Library, work: Work, dual: Dual, n: int, slots: int, limits: Array, best: float
) -> tuple[float, bool]:
    """Return the loss of the cache at this leaf, infinite if it does not fit, and whether that is certain."""
    _note(dual, LEAF)
    work.cached[:] = False
    used = 0.0
    for i in range(n):
        if dual.state[i] == _IN:
            work.cached[dual.model[i]] = True
            used += library.size_gb[dual.model[i]]
    left_out, suffices = take_cache(library, work, slots, limits[1])
    if not suffices or used > limits[0]:
        return np.inf, True
    work.nodes_left[0] = _LEAF_NODES
    return serve_cached(library, work, slots, left_out, best), work.nodes_left[0] > 0
