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

from mincache import Instance, Run, SlotPricer, Solution, Solver, evaluate, serve
from mincache.generation import suites
from mincache.solving import registry

REFERENCES = ("cloud-only", "random-allocation", "popular-first", "decomposition")


@dataclass(frozen=True)
class ToggleSearch(Solver):
    """Begin with an empty cache; in every slot put in or take out the one model that helps most.

    A `SlotPricer` tells what each toggle would cost with the best bandwidth and steps. No term of the cost
    links two slots, so they are searched one after the other.

    Attributes:
        rounds: how often a model may be toggled in each slot.
    """

    rounds: int = 20

    def solve(self, instance: Instance, run: Run) -> Solution:
        """Return where no single toggle helps any more."""
        caches = np.zeros((instance.slot_count, instance.model_count), bool)
        for t in range(instance.slot_count):
            pricer = SlotPricer(instance, t, remaining_s=run.remaining())
            for _ in range(self.rounds):
                costs = pricer.toggled_costs()
                if run.should_stop() or costs.min() >= pricer.cost:
                    break
                pricer.toggle(int(costs.argmin()))
            caches[t] = pricer.cache
        return serve(instance, caches)


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
