"""`local-search`: from the density greedy, toggles and swaps of cached models while one of them helps."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mincache import InputError, Instance, Run, Solution, Solver
from mincache.exact.passes import FrameSearch, step_shares, with_slack
from mincache.exact.regrets import loading_losses
from mincache.problem.instance import RULES
from mincache.problem.quantity import Array
from mincache.solving.feasible import frame_starts
from mincache.solving.greedy import cache_by_density, savings_per_gb

_CELLS_A_CALL = 1 << 14  # caches times models that are priced between two looks at the clock
_TOGGLED = np.array([[[0], [1], [0], [1]], [[0], [0], [1], [1]]], bool)
"""Whether the first and the second of two models are moved: none, first, second, both."""
_HELPS = 1e-12  # part of the present loss by which a move must lower it


@dataclass(frozen=True)
class LocalSearch(Solver):
    """Begin with the density greedy; put in, take out or exchange the models that help most, until none do.

    Source: Aarts and Lenstra, Local Search in Combinatorial Optimization, Wiley, 1997: best improvement, with
    the neighbourhood of all toggles and swaps. Bandwidth is optimal, and each cache is priced with the
    steps served exactly. Frames are searched one after the other. Where loading takes time they are
    searched together: a move then gives two models their cheapest course through all frames, the others
    staying as they are, by a dynamic program of four states a frame. Nothing is random.

    Attributes:
        width: number of models that are moved in a frame, those nearest to where the greedy stops in its
            order of cost saved per GB; a frame has up to width * (width + 1) / 2 neighbours.
    """

    rules = RULES

    width: int = 64

    def __post_init__(self) -> None:
        if self.width < 2:
            raise InputError("local-search.width", "must be >= 2", str(self.width))

    def solve(self, instance: Instance, run: Run) -> Solution:
        """Return where no move helps any more, or the best when the time is up."""
        search = FrameSearch(instance)
        first, density, F = frame_starts(instance), savings_per_gb(instance), search.slots
        cache = cache_by_density(instance)
        steps = search.served_steps(cache[:, None])[:, 0]
        best = Solution(instance.name, cache, search.bandwidth, step_shares(instance, steps))
        run.report(best)
        each = np.arange(len(first))
        for frames in [each] if instance.rules.loading_s_per_gb > 0.0 else each[:, None]:
            if run.should_stop():
                break
            models = _nearest(density[first[frames]], cache[first[frames]], self.width)
            neighbourhood = _Neighbourhood(search, run, frames, models)
            for changed, better in neighbourhood.improvements(cache[first[frames]]):
                for k in changed:
                    slots = slice(first[frames[k]], first[frames[k]] + F)
                    cache[slots] = better[k]
                    steps[slots] = search.served_steps(cache[slots, None], slots.start)[:, 0]
                best = Solution(instance.name, cache, search.bandwidth, step_shares(instance, steps))
                run.report(best)
        return best


def _nearest(density: Array, cache: Array, width: int) -> Array:
    """Return the models in the middle of whose order by `density` [K, M] the greedy's `cache` [K, M] ends."""
    last = round(float(np.count_nonzero(cache)) / len(cache))
    start = max(0, min(last - width // 2, density.shape[1] - width))
    return np.argsort(-density.sum(axis=0), kind="stable")[start : start + width]


class _Neighbourhood:
    """What frames [K] lose with each change of one or two of the models [W] that are moved."""

    def __init__(self, search: FrameSearch, run: Run, frames: Array, models: Array) -> None:
        self.search, self.run, self.frames = search, run, frames
        self.pairs = models[np.stack(np.triu_indices(len(models)))]  # [2, P]; with itself, a model alone
        self.load = loading_losses(search.instance, search.slots)[frames]
        # With none of a pair moved, its first model, its second, both:
        self.losses = np.zeros((len(frames), 4, self.pairs.shape[1]))

    def improvements(self, cache: Array) -> Iterator[tuple[Array, Array]]:
        """Yield which frames have changed, and the caches [K, M], from `cache` on, while that helps."""
        cache, changed = cache.copy(), np.arange(len(cache))
        while all(self._price(int(k), cache[k]) for k in changed):
            first, second, moves = self._best_move(cache)
            changed = np.flatnonzero(moves)
            if not changed.size:
                return
            cache[:, first] ^= moves % 2 == 1
            cache[:, second] ^= moves >= 2
            yield changed, cache

    def _price(self, k: int, cache: Array) -> bool:
        """Find what frame `k` loses with each neighbour of `cache` [M]; return whether there was time."""
        instance, (first, second) = self.search.instance, self.pairs
        alone = first == second
        moved = first[alone]
        caches = np.repeat(cache[None], 1 + len(first), axis=0)  # as it stands, then one or two moved
        row = np.arange(1, len(caches))
        caches[row, first] ^= True
        caches[row[~alone], second[~alone]] ^= True
        loss = np.full(len(caches), np.inf)
        fits = np.flatnonzero(caches @ instance.models.size_gb <= with_slack(instance.server.storage_gb))
        most = max(1, _CELLS_A_CALL // instance.model_count)
        slots, stop = self.search.slots, instance.slot_count
        begin = self.frames[k] * slots
        for part in np.split(fits, range(most, len(fits), most)):
            loss[part] = 0.0
            for t in range(begin, min(begin + slots, stop)):
                found = self.search.cache_losses(t, caches[part], self.run.remaining)
                if found is None:
                    return False
                loss[part] += found[0]
        single = np.full(instance.model_count, np.inf)
        single[moved] = loss[1:][alone]
        self.losses[k, 0], self.losses[k, 1] = loss[0], single[first]
        self.losses[k, 2], self.losses[k, 3] = np.where(alone, np.inf, [single[second], loss[1:]])
        return True

    def _best_move(self, cache: Array) -> tuple[int, int, Array]:
        """Return the two models whose cheapest course through the frames saves most, and the course [K]."""
        # It says what is moved in each frame: 1 the first, 2 the second, 3 both; all 0 if nothing helps.
        held = [cache[:, None, m] ^ toggled for m, toggled in zip(self.pairs, _TOGGLED, strict=True)]
        load = [self.load[:, models] for models in self.pairs]
        load[1] = np.where(self.pairs[0] == self.pairs[1], 0.0, load[1])
        P, before = self.pairs.shape[1], []
        total, now = np.zeros((4, P)), np.zeros(P)
        then = [np.zeros((4, P), bool)] * 2
        for k, loss in enumerate(self.losses):
            loaded = sum(w[k] * (h[k] & ~t[:, None]) for w, h, t in zip(load, held, then, strict=True))
            reached = total[:, None] + loaded  # [before, after, P]
            before.append(reached.argmin(axis=0))
            total, now = reached.min(axis=0) + loss, now + loaded[0, 0] + loss[0]
            then = [h[k] for h in held]
        pair = int((now - total.min(axis=0)).argmax())
        course = np.zeros(len(cache), int)
        if now[pair] - total[:, pair].min() > _HELPS * now[pair]:
            course[-1] = total[:, pair].argmin()
            for k in range(len(cache) - 1, 0, -1):
                course[k - 1] = before[k][course[k], pair]
        return int(self.pairs[0, pair]), int(self.pairs[1, pair]), course
