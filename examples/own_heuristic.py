"""A heuristic of one's own, compared with the reference solvers.

python own_heuristic.py

prints how far each is above the known optimum on every instance of smoke-v1. The same solver takes part in
a campaign, in a process of its own and with limits:

mincache run smoke-v1 --solver own_heuristic.py:ToggleSearch --solver popular-first -o results/own
mincache leaderboard results/own
"""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

import numpy as np

from mincache import Instance, Run, Solution, Solver, evaluate, evaluate_batch
from mincache.generation import suites
from mincache.solving import registry
from mincache.views.vector import VectorView

REFERENCES = ("cloud-only", "random-allocation", "popular-first", "decomposition")


@dataclass(frozen=True)
class ToggleSearch(Solver):
    """Begin with an empty cache; in every slot put in or take out the one model that helps most.

    A slot's decisions are a point of the unit cube: a gene of 1 wants a model cached or a hit served, in
    order of the genes as long as they fit. All slots and all models are tried at once, since no term of
    the cost links two slots. Hits are served in order of what steps gain.

    Attributes:
        rounds: how often a model may be toggled in each slot.
    """

    rounds: int = 20

    def solve(self, instance: Instance, run: Run) -> Solution:
        """Return where no single toggle helps any more."""
        view, M, N = VectorView("priority-serve"), instance.model_count, instance.user_count
        slots = np.arange(instance.slot_count)
        point = np.full((instance.slot_count, view.apply(instance)), 0.5)
        point[:, :M] = 0.0  # nothing cached; bandwidth equal
        point[:, M + N :] = 0.5 + 0.5 * _order(_gain_per_step(instance))
        cost = evaluate_batch(instance, view.invert(instance, point)).slot_cost
        for _ in range(self.rounds):
            if run.should_stop():
                break
            toggled = np.repeat(point[None], M, axis=0)  # [M, T, genes]: candidate m toggles model m
            toggled[np.arange(M), :, np.arange(M)] = 1.0 - point[:, :M].T
            new_cost = evaluate_batch(instance, view.invert(instance, toggled)).slot_cost
            best = new_cost.argmin(axis=0)
            better = new_cost[best, slots] < cost
            if not better.any():
                break
            point = np.where(better[:, None], toggled[best, slots], point)
            cost = np.where(better, new_cost[best, slots], cost)
            run.report(Solution.of(instance, view.invert(instance, point)))
        return Solution.of(instance, view.invert(instance, point))


def _gain_per_step(instance: Instance) -> np.ndarray:
    """Return [T, N]: what a step is worth to each user, were its model cached."""
    models, alpha = instance.models, instance.preference_weight
    gain = (1 - alpha) * (models.tv_worst - models.tv_best) / models.steps_saturation
    return (gain - alpha * models.seconds_per_step)[instance.trace.requested_model]


def _order(values: np.ndarray) -> np.ndarray:
    """Return the rank of each value in its row, scaled to [0, 1]; those not above 0 get -1."""
    rank = values.argsort(axis=1).argsort(axis=1) / values.shape[1]
    return np.where(values > 0.0, rank, -1.0)


def main() -> None:
    """Print a line a solver: gap to the optimum on each instance, and time."""
    suite = suites.find("smoke-v1")
    solvers = {name: registry.make(name) for name in REFERENCES} | {"own heuristic": ToggleSearch()}
    for name, solver in solvers.items():
        start, gaps = perf_counter(), []
        for entry in suite.entries.values():
            instance = suite.read(entry.name)
            cost = evaluate(instance, solver.solve(instance, Run.seeded(0))).cost
            gaps.append(cost / (entry.best_known or cost) - 1.0)
        shown = "  ".join(f"{gap:z7.2%}" for gap in gaps)
        print(f"{name:18} {shown}   mean {np.mean(gaps):z7.2%}   {perf_counter() - start:.3f} s")


if __name__ == "__main__":
    main()
