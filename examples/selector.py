"""Choosing a solver by the instance: a random forest predicts which of a portfolio answers best.

It needs scikit-learn: pip install scikit-learn. The first command draws instances that are in no suite, runs
the portfolio on them, and keeps features and costs in a table. The others run the selector beside two of its
portfolio:

python selector.py selector.csv 300
mincache run smoke-v1 --solver selector.py:Selector --solver lru --solver popular-first -o results/selector
mincache leaderboard results/selector
"""

from __future__ import annotations

import csv
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np
from sklearn.ensemble import RandomForestRegressor

from mincache import Instance, Run, Solution, Solver, evaluate
from mincache.generation.scenario import Scenario
from mincache.learning.draws import Draws
from mincache.problem.requests import demand
from mincache.solving import registry

PORTFOLIO = ("cloud-only", "popular-first", "lru", "lfu")
HELD_OUT = 1_000_000
"""Draws from this number on are not learned from."""


def features(instance: Instance) -> dict[str, float]:
    """Return numbers that are read off an instance at once, without solving it."""
    counts, models, server = demand(instance), instance.models, instance.server
    asked, requested = counts > 0, instance.trace.requested_model
    return {
        "users": instance.user_count,
        "models": instance.model_count,
        "preference_weight": instance.preference_weight,
        "storage_tightness": float((asked @ models.size_gb).mean() / server.storage_gb),
        "steps_tightness": float(models.steps_saturation[requested].sum(axis=1).mean() / server.steps),
        "concentration": float(((counts / instance.user_count) ** 2).sum(axis=1).mean()),
        "repeat_share": float(counts[1:][asked[:-1]].sum() / max(counts[1:].sum(), 1)),
    }


@dataclass(frozen=True)
class Selector(Solver):
    """Answer with the solver of the portfolio whose cost a random forest predicts to be least.

    Source: L. Xu and others, SATzilla, doi:10.1613/jair.2490; L. Breiman, Random forests,
    doi:10.1023/A:1010933404324.

    Attributes:
        table: features and costs of the portfolio, a row an instance, as this file writes them.
        trees: how many trees the forest has.
    """

    kind: ClassVar[str] = "learned"

    table: Path = Path("selector.csv")
    trees: int = 100

    @cached_property
    def forest(self) -> RandomForestRegressor:
        """The forest, grown anew from the table: the same one each time."""
        with self.table.open(newline="") as file:
            rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
        costs = np.array([[row[name] for name in PORTFOLIO] for row in rows])
        known = [[value for name, value in row.items() if name not in PORTFOLIO] for row in rows]
        regrets = np.log(costs / costs.min(axis=1, keepdims=True))
        return RandomForestRegressor(self.trees, random_state=0, n_jobs=1).fit(known, regrets)

    def choice(self, instance: Instance) -> str:
        """Return the solver that is chosen."""
        predicted = self.forest.predict([list(features(instance).values())])
        return PORTFOLIO[int(predicted[0].argmin())]

    def solve(self, instance: Instance, run: Run) -> Solution:
        """Return the answer of the solver that is chosen."""
        return registry.make(self.choice(instance)).solve(instance, run)


def costs(instance: Instance) -> dict[str, float]:
    """Return what the answer of each solver of the portfolio costs."""
    answers = {name: registry.make(name).solve(instance, Run.seeded(0)) for name in PORTFOLIO}
    return {name: evaluate(instance, solution).cost for name, solution in answers.items()}


def main(path: str, count: str) -> None:
    """Write the table, and print what the selector costs on draws that it has not learned from."""
    draws = Draws(Scenario(), purpose="selector")
    rows = [features(one) | costs(one) for one in map(draws.instance, range(int(count)))]
    with Path(path).open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    selector, held_out = Selector(Path(path)), [draws.instance(HELD_OUT + k) for k in range(50)]
    found = [costs(one) for one in held_out]
    means = {name: np.mean([one[name] for one in found]) for name in PORTFOLIO}
    chosen = [one[selector.choice(drawn)] for one, drawn in zip(found, held_out, strict=True)]
    single = min(means, key=means.__getitem__)
    print(f"{'virtual best':12} mean cost {np.mean([min(one.values()) for one in found]):.4f}")
    print(f"{'selector':12} mean cost {np.mean(chosen):.4f}")
    print(f"{'single best':12} mean cost {means[single]:.4f} ({single})")


if __name__ == "__main__":
    main(*sys.argv[1:])
