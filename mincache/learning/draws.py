"""Instances of every kind to learn from: each with a library, a number of users and limits of its own."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mincache.generation.scenario import Scenario
from mincache.generation.streams import generator
from mincache.problem.instance import Instance
from mincache.views.episodes import Episodes

LEAST_USERS, MOST_USERS = 4, 128
LEAST_MODELS, MOST_MODELS = 5, 20
_SPREAD = 3.0  # what storage and steps are at most multiplied or divided by
_WEIGHT = (0.4, 0.9)


@dataclass(frozen=True)
class Draws:
    """An endless row of instances, no two with the same library; N is log-uniform from 4 to 128.

    Where they are `varied`, every other one has another number of models, storage, steps and weight than
    the scenario too. Suites draw libraries with their own small seeds, and traces from streams named
    `trace`; here the seed of a library is itself drawn, from 2^60, and traces are of streams named
    `purpose`, so that no suite's are ever met.
    """

    scenario: Scenario
    seed: int = 0
    purpose: str = "training"
    varied: bool = True

    def episodes(self, index: int) -> Episodes:
        """Return the episodes of the scenario and the library of a number."""
        rng = generator(self.seed, self.purpose, "draw", index)
        scenario = self._varied(rng) if self.varied and index % 2 else self.scenario
        users = round(math.exp(rng.uniform(math.log(LEAST_USERS), math.log(MOST_USERS))))
        scenario = scenario.model_copy(update={"users": users})
        library = scenario.library(int(rng.integers(2**60, 2**61)))
        return Episodes(scenario, library, self.seed, self.purpose, index)

    def instance(self, index: int) -> Instance:
        """Return the first episode of a number."""
        return self.episodes(index).instance(0)

    @cached_property
    def problem(self) -> Instance:
        """The first instance's, for what all have in common; that is not the library."""
        return self.episodes(0).problem

    def _varied(self, rng: np.random.Generator) -> Scenario:
        factor = _SPREAD ** rng.uniform(-1.0, 1.0, 2)
        return self.scenario.model_copy(update={
            "models": int(rng.integers(LEAST_MODELS, MOST_MODELS, endpoint=True)),
            "storage_gb": self.scenario.storage_gb * float(factor[0]),
            "steps": self.scenario.steps * float(factor[1]),
            "preference_weight": float(rng.uniform(*_WEIGHT)),
        })  # fmt: skip


TrainingSource = Episodes | Draws
"""What is learned from: traces of one problem, or instances of every kind."""
