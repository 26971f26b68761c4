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
LEAST_MODELS, MOST_MODELS = 5, 24
_SPREADS = {
    "storage_gb": 3.0,
    "steps": 5.0,
    "uplink_mhz": 10.0,
    "backhaul_up_mbps": 5.0,
    "backhaul_down_mbps": 5.0,
}  # what each is at most multiplied or divided by
_WEIGHT, _POWER_DBM, _FLOOR = (0.1, 0.98), (10.0, 30.0), (0.0, 0.5)


@dataclass(frozen=True)
class Draws:
    """An endless row of instances, no two with the same library; N is log-uniform from 4 to 128.

    Every other one also has a number of models, storage, steps, bandwidth, powers, backhaul and weight of its
    own, and models that begin to improve, and generate, sooner than the scenario's; every fourth one a floor
    on steps. Suites draw libraries with their own small seeds, and traces from streams named `trace`; here
    the seed of a library is itself drawn, from 2^60, and traces are of streams named `purpose`, so that no
    suite's are ever met.
    """

    scenario: Scenario
    seed: int = 0
    purpose: str = "training"

    def instance(self, index: int) -> Instance:
        """Return the instance of a number."""
        rng = generator(self.seed, self.purpose, "draw", index)
        scenario = self._varied(rng, index) if index % 2 else self.scenario
        users = round(math.exp(rng.uniform(math.log(LEAST_USERS), math.log(MOST_USERS))))
        scenario = scenario.model_copy(update={"users": users})
        library = scenario.library(int(rng.integers(2**60, 2**61)))
        return Episodes(scenario, library, self.seed, self.purpose, index).instance(0)

    @cached_property
    def problem(self) -> Instance:
        """An instance of as many models as any has, for what all have in common."""
        scenario = self.scenario.model_copy(update={"models": max(MOST_MODELS, self.scenario.models)})
        return scenario.instance("problem", scenario.library(2**60), scenario.trace(self.seed, self.purpose))

    def _varied(self, rng: np.random.Generator, index: int) -> Scenario:
        scenario, drawn = self.scenario, rng.uniform(-1.0, 1.0, len(_SPREADS))
        limits = {
            name: getattr(scenario, name) * spread**power
            for (name, spread), power in zip(_SPREADS.items(), drawn.tolist(), strict=True)
        }
        onset, speed = rng.uniform(0.0, 1.0, 2).tolist()
        (least, onset_most), (slow, slowest) = scenario.steps_onset, scenario.seconds_per_step
        return scenario.model_copy(update=limits | {
            "models": int(rng.integers(LEAST_MODELS, MOST_MODELS, endpoint=True)),
            "preference_weight": float(rng.uniform(*_WEIGHT)),
            "user_power_dbm": float(rng.uniform(*_POWER_DBM)),
            "steps_onset": (onset * least, onset_most - (1.0 - onset) * least),
            "seconds_per_step": (0.1**speed * slow, 0.1**speed * slowest),
            "steps_floor": float(rng.uniform(*_FLOOR)) if index % 4 == 3 else scenario.steps_floor,
        })  # fmt: skip


TrainingSource = Episodes | Draws
"""What is learned from: traces of one problem, or instances of every kind."""
