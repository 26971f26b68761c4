"""Draw the learning curves of docs/learner.md: `make training-figure` measures, then draws.

The same DDPG, network (two hidden layers of 128) and batch (128) on the same problem: as it ships, with 32
environments an update, and Stable-Baselines3's as it comes. `training.csv` holds what was measured, a line a
point of a curve: seconds by the clock, and by the processor, which are fewer where other work had the core.
"""

from __future__ import annotations

import csv
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import altair as alt
import numpy as np
import torch
from stable_baselines3 import DDPG
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.noise import NormalActionNoise

from mincache import Instance, Solution
from mincache.generation import suites
from mincache.learning.training import Validation
from mincache.solving import registry
from mincache.views.agent_view import AgentView
from mincache.views.environment import EdgeCachingEnv
from mincache.views.episodes import Episodes

FOLDER = Path(__file__).parent
DATA = FOLDER / "training.csv"
COLUMNS = ("method", "seed", "steps", "wall_s", "cpu_s", "gap")
SUITE, USERS, LIBRARY, SEEDS = "paper-v1", 10, 0, (1, 2, 3)
STEPS, POINTS = 25_000, 12
OURS = {
    "ddpg": "ddpg",
    "ddpg, 32 environments an update": "ddpg[environments=32,updates=1,episodes=512]",
}
OUTSIDE = "Stable-Baselines3 DDPG"
Point = tuple[int, float, float, float]
"""Environment steps so far, seconds so far by clock and by processor, and the gap on held-out traces."""


def episodes(seed: int) -> Episodes:
    """Return what all are trained on."""
    content = suites.find(SUITE).content
    scenario = content.scenario.model_copy(update={"users": USERS})
    return Episodes(scenario, scenario.library(content.recipe.library_seed, LIBRARY), seed)


class Curve:
    """Takes the points of one curve, and keeps the time of taking them out of it."""

    def __init__(self, course: Episodes) -> None:
        self.points: list[Point] = []
        self._validation, self._slots = Validation(course), course.scenario.slots
        self._spent_s, self._since_s = np.zeros(2), _now_s()

    def take(self, steps: int, answer: Callable[[Instance], Solution]) -> None:
        """Take a point, if one is due."""
        self._spent_s += _now_s() - self._since_s
        if steps * POINTS >= STEPS * (len(self.points) + 1):
            gap = self._validation.point(steps // self._slots, 0.0, answer).validation_gap
            self.points.append((steps, *self._spent_s.tolist(), float(gap or 0.0)))
        self._since_s = _now_s()


def _now_s() -> np.ndarray:
    return np.array([time.perf_counter(), time.process_time()])


def ours(spec: str, seed: int) -> list[Point]:
    """Train one of ours."""
    course, solver = episodes(seed), registry.make(spec)
    curve = Curve(course)
    solver.train(course, lambda done, _, answer: curve.take(done * course.scenario.slots, answer))
    return curve.points


def outside(seed: int) -> list[Point]:
    """Train Stable-Baselines3's DDPG with its defaults, but for the network, the batch and the noise."""
    course, view = episodes(seed), AgentView()
    env = EdgeCachingEnv(course, view.observation, view.action)
    noise = NormalActionNoise(np.zeros(env.action_space.shape), np.full(env.action_space.shape, 0.1))
    agent = DDPG("MlpPolicy", env, batch_size=128, policy_kwargs={"net_arch": [128, 128]}, action_noise=noise,
                 seed=seed, device="cpu")  # fmt: skip
    curve = Curve(course)

    def answer(instance: Instance) -> Solution:
        raw, _ = agent.predict(view.apply(instance), deterministic=True)
        return Solution.of(instance, view.invert(instance, raw))

    class Watch(BaseCallback):
        def _on_step(self) -> bool:
            if self.num_timesteps % 50 == 0:
                curve.take(self.num_timesteps, answer)
            return True

    agent.learn(STEPS, callback=Watch())
    return curve.points


def measure() -> Iterator[dict[str, object]]:
    """Yield the rows of the data, as they come."""
    torch.set_num_threads(1)
    trainings: dict[str, Callable[[int], list[Point]]] = {
        name: lambda seed, spec=spec: ours(spec, seed) for name, spec in OURS.items()
    }
    for seed in SEEDS:
        for method, train in (trainings | {OUTSIDE: outside}).items():
            for steps, wall_s, cpu_s, gap in train(seed):
                values = (method, seed, steps, f"{wall_s:.3f}", f"{cpu_s:.3f}", f"{gap:.5f}")
                yield dict(zip(COLUMNS, values, strict=True))


def rows() -> list[dict[str, str]]:
    """Return the rows of the data."""
    with DATA.open(newline="") as file:
        return list(csv.DictReader(file))


def drawn() -> alt.HConcatChart:
    """Return the curves over steps and over seconds, a line a training."""
    values = [row | {"run": f"{row['method']} {row['seed']}"} for row in rows()]
    legend = alt.Legend(orient="top", labelLimit=300)
    gap = alt.Axis(format="%", values=[0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0])
    base = (
        alt.Chart(alt.Data(values=values))
        .mark_line(point={"size": 15})
        .encode(
            y=alt.Y("gap:Q", title="gap to the optimum", axis=gap, scale=alt.Scale(type="log")),
            color=alt.Color("method:N", title=None, sort=[*OURS, OUTSIDE], legend=legend),
            detail="run:N",
        )
    )
    tens = alt.Axis(values=[1, 10, 100])
    steps = base.encode(x=alt.X("steps:Q", title="environment steps", axis=alt.Axis(tickCount=5)))
    seconds = base.encode(
        x=alt.X("wall_s:Q", title="seconds by the clock", axis=tens, scale=alt.Scale(type="log", nice=False))
    )
    return alt.hconcat(*(chart.properties(width=300, height=190) for chart in (steps, seconds)))


if __name__ == "__main__":
    if "draw" not in sys.argv[1:]:
        with DATA.open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            for row in measure():
                writer.writerow(row)
                file.flush()
    drawn().save(FOLDER / "training.svg")
