"""Fig. 3: DDPG's reward in training at several learning rates."""

from __future__ import annotations

import numpy as np

from mincache.paper import over_users
from mincache.paper.claims import CLOUD_ONLY, OPTIMUM, RCARS
from mincache.paper.estimates import estimate
from mincache.paper.findings import FindingRow
from mincache.paper.measurements import Measurements
from mincache.paper.trained import Trained, Training
from mincache.paper.workshop import Contestant, Workshop
from mincache.solving.spec import spell

CRITIC_FACTOR = 10.0
"""The critic's learning rate, in actor's: as DDPG's defaults have it."""
CONVERGED = 0.1
"""The converged reward is the mean over this last part of the episodes."""


def train(shop: Workshop) -> dict[float, list[Trained]]:
    """Return the trainings at each learning rate, for the first library and the least N."""
    suite, size = over_users.suite_of(shop), shop.size
    wanted = {
        rate: [
            Training(_spec(shop, rate), suite.folder, 0, size.ends[0], over_users.training_seed(0, number))
            for number in range(size.rate_seeds)
        ]
        for rate in size.rates
    }
    found = iter(shop.train("training for Fig. 3", [one for row in wanted.values() for one in row]))
    return {rate: [next(found) for _ in row] for rate, row in wanted.items()}


def _spec(shop: Workshop, rate: float) -> str:
    return spell(
        "ddpg", {"actor_rate": rate, "critic_rate": float(f"{CRITIC_FACTOR * rate:.6g}"), **shop.size.ddpg}
    )


def references(shop: Workshop) -> Measurements:
    """Return what others reach on the instances of Fig. 4 and 5 with the same library and N."""
    place = (0, shop.size.ends[0])
    specs = {RCARS: "random-allocation", CLOUD_ONLY: "cloud-only", OPTIMUM: "decomposition"}
    contestants = [Contestant(role, spec, place=place) for role, spec in specs.items()]
    return shop.measure(over_users.suite_of(shop), contestants)


def curves(trained: dict[float, list[Trained]]) -> list[FindingRow]:
    """Return the mean reward of a slot, exploration included, in each round of each training."""
    return [
        {
            "learning_rate": rate, "seed": one.training.seed, "episode": point.episode,
            "reward": point.mean_reward, "validation_gap": point.validation_gap,
        }
        for rate, row in trained.items()
        for one in row
        for point in one.record.curve
    ]  # fmt: skip


def converged(trained: dict[float, list[Trained]]) -> list[FindingRow]:
    """Return the reward that each learning rate converges to, with its interval over training seeds."""
    rows: list[FindingRow] = []
    for rate, row in trained.items():
        rewards = np.array(converged_rewards(trained)[rate])
        gaps = np.array([one.record.curve[-1].validation_gap or 0.0 for one in row])
        rows.append(
            {
                "learning_rate": rate, "seeds": len(row),
                **estimate(lambda x: x, rewards).fields("reward"),
                **estimate(lambda x: x, gaps).fields("gap"),
            }
        )  # fmt: skip
    return rows


def converged_rewards(trained: dict[float, list[Trained]]) -> dict[float, list[float]]:
    """Return the converged reward of each training, by learning rate."""
    return {rate: [_converged(one) for one in row] for rate, row in trained.items()}


def _converged(one: Trained) -> float:
    curve = one.record.curve
    return float(np.mean([p.mean_reward for p in curve if p.episode > (1.0 - CONVERGED) * curve[-1].episode]))
