"""Fresh traces for agents: as many episodes as wanted, from streams that no suite draws from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from mincache.instance import Instance, ModelLibrary, Trace
from mincache.quantity import Array, quantities
from mincache.scenario import Scenario


@dataclass(frozen=True)
class Episodes:
    """An endless row of episodes, each a fresh trace of one scenario with one model library.

    Attributes:
        scenario: where traces come from; its `users` and `slots` are N and T.
        library: the models, the same in every episode.
        seed: seed of the traces.
        purpose: names the stream beside the seed. Suites draw from streams named `trace`, so any other
            word keeps an agent from ever seeing their traces.
        library_index: names the stream too, so that agents for two libraries meet different traces.
    """

    scenario: Scenario
    library: ModelLibrary
    seed: int = 0
    purpose: str = "training"
    library_index: int = 0

    def instance(self, episode: int) -> Instance:
        """Return an episode as an instance."""
        name = f"{self.purpose}.l{self.library_index}.n{self.scenario.users}.s{self.seed}.e{episode}"
        return replace(self.problem, name=name, trace=self.trace(episode))

    def trace(self, episode: int) -> Trace:
        """Return the trace of an episode."""
        path = (self.purpose, self.library_index, self.scenario.users, episode)
        return self.scenario.trace(self.seed, *path)

    @cached_property
    def problem(self) -> Instance:
        """The first episode's instance, for what all have in common."""
        return self.scenario.instance("problem", self.library, self.trace(0))


def across(instance: Instance, traces: Sequence[Trace], name: str, length: int = 1) -> list[Instance]:
    """Return one instance for each stretch of `length` time steps: of every trace, what it holds there.

    Slot k of a single step is what trace k holds at that step, and the evaluator so prices a step of all
    traces at once. Longer stretches follow each other, trace by trace, each a frame of its own; the last
    may be shorter. `instance` gives everything but the trace and the names, which are `name` with the
    first step's number. What one trace's copy had cached is nothing to the next: where loading takes
    time, tell `evaluate_batch` what was cached before.
    """
    stacked = {name: np.stack([getattr(trace, name) for trace in traces]) for name in quantities(Trace)}
    steps = len(traces[0].skewness)
    rules = {n: replace(instance.rules, frame_slots=n) for n in {length, steps % length or length}}
    return [
        replace(
            instance,
            name=f"{name}.step-{t}",
            trace=Trace(**{k: _joined(v[:, t : t + length]) for k, v in stacked.items()}),
            rules=rules[min(length, steps - t)],
        )
        for t in range(0, steps, length)
    ]


def _joined(stretches: Array) -> Array:
    """Return [K, steps, ...] as [K steps, ...]."""
    return stretches.reshape(-1, *stretches.shape[2:])
